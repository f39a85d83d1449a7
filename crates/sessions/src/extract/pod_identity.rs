//! EKS AssumeRoleForPodIdentity, as a witness: a node asked for the credentials of one of its pods.
//!
//! The issuance is the AssumeRole that `pods.eks.amazonaws.com` makes in the same second; its tags name the pod.

use trailback_cloudtrail::Record;

use super::role_session::read_assumed_role_user;
use crate::issuance::{Issuance, SessionType};

pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    row.session.session_type = SessionType::Witness;
    read_assumed_role_user(record.response_elements(), &mut row.session);
}
