//! AWS services that act for themselves.

use std::rc::Rc;

use crate::caller::{Caller, service};
use crate::calls::assume_role::{AssumeRole, service_caller};
use crate::organisation::Purpose;
use crate::policy::Policy;
use crate::world::World;

/// Session names of service-linked roles.
const ROUTINES: [(&str, Purpose, &str); 3] = [
    (
        "autoscaling.amazonaws.com",
        Purpose::AutoScaling,
        "AutoScaling",
    ),
    (
        "cloudtrail.amazonaws.com",
        Purpose::TrailDelivery,
        "CLOUDWATCH_LOGS_DELIVERY_SESSION",
    ),
    (
        "guardduty.amazonaws.com",
        Purpose::Detector,
        "GuardDutyAssumeRole",
    ),
];

pub(super) fn routine(world: &mut World) {
    let (name, purpose, session_name) = *world.dice.pick(&ROUTINES);
    let account = world.any_account();
    let region = world.any_region();
    let call = AssumeRole::of(world.role(account, purpose), session_name, region);
    let caller = service_caller(name, service(name));
    let grant = world.service_assume_role("service", &caller, call, true);
    world.work("service", &Rc::new(grant.by_key()), grant.at, region);
}

/// RDS narrows its own session by a policy, and signs every request with a fresh key.
pub(super) fn databases(world: &mut World) {
    linked_role(
        world,
        "databases",
        "rds.amazonaws.com",
        Purpose::Databases,
        "SLRManagement",
    );
}

pub(super) fn inspector(world: &mut World) {
    let session_name = format!("MandoService-{}", world.dice.guid());
    linked_role(
        world,
        "inspector",
        "inspector2.amazonaws.com",
        Purpose::Inspector,
        &session_name,
    );
}

fn linked_role(
    world: &mut World,
    scenario: &'static str,
    name: &'static str,
    purpose: Purpose,
    session_name: &str,
) {
    let account = world.any_account();
    let region = world.any_region();
    let call = AssumeRole {
        policy: (purpose == Purpose::Databases).then(Policy::of_databases),
        duration: Some(900),
        lifetime: 900,
        ..AssumeRole::of(world.role(account, purpose), session_name, region)
    };
    let logs_user = world.dice.chance(0.9);
    let grant = world.service_assume_role(
        scenario,
        &service_caller(name, service(name)),
        call,
        logs_user,
    );
    let mut session = Caller {
        agent: name.into(),
        address: name.into(),
        ..grant.by_context()
    };
    session.identity.invoked_by = Some(name.into());
    world.work(scenario, &Rc::new(session), grant.at, region);
}

/// A function gets data credentials from S3 Access Grants.
pub(super) fn unknown_issuer(world: &mut World) {
    let account = world.any_account();
    let region = world.any_region();
    let role = world.role(account, Purpose::Task);
    let id = world.dice.hex(32);
    let call = AssumeRole {
        lifetime: 21_600,
        ..AssumeRole::of(role.clone(), &id, region)
    };
    let origin = crate::caller::compute(&id, &role.account.id, None);
    let caller = service_caller("ecs-tasks.amazonaws.com", origin);
    let grant = world.service_assume_role("unknown_issuer", &caller, call, true);
    let session = Caller {
        address: crate::organisation::address(&mut world.dice),
        ..grant.by_key()
    };
    world.soon(grant.at, move |world| {
        world.get_data_access("unknown_issuer", &session, &role.account, region)
    });
}
