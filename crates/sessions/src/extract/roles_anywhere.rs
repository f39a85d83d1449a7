//! IAM Roles Anywhere CreateSession: a role session for the holder of a certificate.

use trailback_cloudtrail::{Fields, Record};

use super::role_session::{self, resource_arn};
use crate::issuance::{Issuance, Text};

/// The session's name defaults to the certificate's serial number, its source identity to the common name.
pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    let request = record.request_parameters();
    let response = record.response_elements();
    role_session::read(record, request, credential_set(response), row);
    row.session.identity_provider_arn = request
        .text("trustAnchorArn")
        .or_else(|| resource_arn(record, "AWS::RolesAnywhere::TrustAnchor"))
        .map(Text::from);
    let subject_arn = certificate_says(record, "subjectArn");
    if row.caller.caller_user_name.is_none() {
        row.caller.caller_user_name =
            certificate_subject(record, row).or_else(|| subject_arn.clone());
    }
    if row.caller.caller_arn.is_none() {
        row.caller.caller_arn = subject_arn;
    }
}

/// The credentials stand in a list of one, `credentialSet`.
fn credential_set(response: Fields<'_>) -> Fields<'_> {
    if let Some(first) = response.list("credentialSet").next() {
        return first;
    }
    let alone = response.object("credentialSet");
    if alone.is_object() { alone } else { response }
}

/// What names the certificate, the most readable first: its subject, its common name.
fn certificate_subject(record: &Record<'_>, row: &Issuance) -> Option<Text> {
    let tag = |name: &str| row.tags.session_tags.get(name).cloned();
    certificate_says(record, "x509Subject")
        .or_else(|| tag("x509Subject"))
        .or_else(|| tag("x509Subject/CN"))
        .or_else(|| certificate_says(record, "x509Subject/CN"))
        .or_else(|| row.session.source_identity.clone())
}

/// A member that says something of the certificate, in whichever part of the record it stands.
fn certificate_says(record: &Record<'_>, name: &str) -> Option<Text> {
    let parts = [
        record.response_elements(),
        record.additional_event_data(),
        record.request_parameters(),
        record.service_event_details(),
    ];
    parts
        .iter()
        .find_map(|fields| fields.text(name))
        .map(Text::from)
}
