//! What goes wrong or cannot be known: refusals, recurring keys, shared seconds, corrections.

use std::rc::Rc;

use super::{at_sign_in, keys, tags, with_long_term_key};
use crate::caller::{Caller, Keys};
use crate::calls::assume_role::AssumeRole;
use crate::calls::{Addendum, Grant};
use crate::organisation::{Purpose, User};
use crate::world::World;

/// A role in the user's account under a session name that nothing else uses.
pub(super) fn own_role(world: &mut World, user: &User, purpose: Purpose) -> AssumeRole {
    let home = world.position_of(&user.account);
    let name = format!("job-{}", world.dice.hex(10));
    let region = world.any_region();
    AssumeRole::of(world.role(home, purpose), &name, region)
}

/// The session goes on to one more role, and that one to another.
pub(super) fn goes_on_twice(
    world: &mut World,
    scenario: &'static str,
    session: Caller,
    call: &AssumeRole,
    from: i64,
) {
    let home = world.position_of(&call.role.account);
    let (name, region) = (call.session_name.clone(), call.region);
    let session = Rc::new(session);
    world.work(scenario, &session, from, region);
    world.soon(from, move |world| {
        let next = AssumeRole::of(world.role(home, Purpose::Audit), &name, region);
        let grant = world.assume_role(scenario, &session, &next);
        let session = grant.by_key();
        world.soon(grant.at, move |world| {
            let next = AssumeRole::of(world.role(home, Purpose::ReadOnly), &name, region);
            let grant = world.assume_role(scenario, &session, &next);
            world.work(scenario, &Rc::new(grant.by_key()), grant.at, region);
        });
    });
}

pub(super) fn refused_role(world: &mut World) {
    let user = world.any_user();
    let account = world.any_account();
    let role = world.role(account, Purpose::BreakGlass);
    let region = world.any_region();
    world.refuse_role("refused_role", &with_long_term_key(&user), &role, region);
    if world.dice.chance(0.5) {
        let call = own_role(world, &user, Purpose::ReadOnly);
        let grant = world.assume_role("refused_role", &with_long_term_key(&user), &call);
        let session = grant.by_key();
        world.soon(grant.at, move |world| {
            world.refuse_role("refused_role", &session, &role, region)
        });
    }
}

pub(super) fn refused_session_token(world: &mut World) {
    let user = world.any_user_with_device();
    let region = world.any_region();
    if let Some(device) = &user.device {
        world.refuse_session_token(
            "refused_session_token",
            &with_long_term_key(&user),
            &user.account,
            device,
            region,
        );
    }
}

pub(super) fn refused_console_login(world: &mut World) {
    let user = world.any_user();
    world.failed_console_login("refused_console_login", &at_sign_in(&user), &user.account);
}

/// One key ID for two sessions of different roles: the principal tells them apart.
pub(super) fn key_handed_out_twice(world: &mut World) {
    let (first_user, second_user) = two_users(world);
    let first = own_role(world, &first_user, Purpose::Deploy);
    let mut second = own_role(world, &first_user, Purpose::DataPipeline);
    let scenario = "key_handed_out_twice";
    let grant = world.assume_role(scenario, &with_long_term_key(&first_user), &first);
    second.access_key_id = grant.access_key_id.clone();
    let other = world.assume_role(scenario, &with_long_term_key(&second_user), &second);
    let from = grant.at.max(other.at);
    goes_on_twice(world, scenario, grant.by_key(), &first, from);
    goes_on_twice(world, scenario, other.by_key(), &second, from);
}

/// Two users of one account.
fn two_users(world: &mut World) -> (Rc<User>, Rc<User>) {
    let first = world.any_user();
    let organisation = world.organisation.clone();
    let others: Vec<&Rc<User>> = organisation
        .users
        .iter()
        .filter(|user| user.account.id == first.account.id && user.id != first.id)
        .collect();
    let second = (*world.dice.pick(&others)).clone();
    (first, second)
}

/// One key ID for the same principal, half an hour apart: what is done before the second time is the first's.
pub(super) fn key_handed_out_again_later(world: &mut World) {
    let scenario = "key_handed_out_again_later";
    let (first_user, second_user) = two_users(world);
    let call = own_role(world, &first_user, Purpose::Deploy);
    let grant = world.assume_role(scenario, &with_long_term_key(&first_user), &call);
    let session = grant.by_key();
    let (region, name) = (call.region, call.session_name.clone());
    let home = world.position_of(&call.role.account);
    world.at(grant.at + 600, move |world| {
        let next = AssumeRole::of(world.role(home, Purpose::Audit), &name, region);
        let grant = world.assume_role(scenario, &session, &next);
        world.work(scenario, &Rc::new(grant.by_key()), grant.at, region);
    });
    let again = AssumeRole {
        access_key_id: grant.access_key_id,
        ..call
    };
    world.at(grant.at + 1_800, move |world| {
        world.assume_role(scenario, &with_long_term_key(&second_user), &again);
    });
}

/// Two sessions of one principal in one second, from two users or one, under one key ID or two.
fn same_second(
    world: &mut World,
    scenario: &'static str,
    users: (&User, &User),
    first: &AssumeRole,
    second: &AssumeRole,
    one_key: bool,
) -> (Grant, Grant) {
    let grant = world.assume_role(scenario, &with_long_term_key(users.0), first);
    let second = AssumeRole {
        at: Some(grant.at),
        access_key_id: grant.access_key_id.clone().filter(|_| one_key),
        ..second.clone()
    };
    let other = world.assume_role(scenario, &with_long_term_key(users.1), &second);
    (grant, other)
}

fn either_of(grant: &Grant, other: &Grant, evidence: &'static str) -> Caller {
    let keys = match (&grant.access_key_id, evidence) {
        (Some(key), "issued_key") => Keys::Fixed(key.clone()),
        _ => Keys::Fresh {
            account_number: grant.account_number,
        },
    };
    grant.among(&[grant, other], evidence, keys)
}

/// Same key, same principal, same second, but one user: both fit, and agree.
pub(super) fn key_handed_out_twice_to_one_user(world: &mut World) {
    let scenario = "key_handed_out_twice_to_one_user";
    let user = world.any_user();
    let call = own_role(world, &user, Purpose::Deploy);
    let (grant, other) = same_second(world, scenario, (&user, &user), &call, &call, true);
    goes_on_twice(
        world,
        scenario,
        either_of(&grant, &other, "issued_key"),
        &call,
        grant.at,
    );
}

/// Same key, same principal, same second, two users: nobody can tell.
pub(super) fn key_handed_out_twice_ambiguously(world: &mut World) {
    let scenario = "key_handed_out_twice_ambiguously";
    let (first, second) = two_users(world);
    let call = own_role(world, &first, Purpose::Deploy);
    let (grant, other) = same_second(world, scenario, (&first, &second), &call, &call, true);
    goes_on_twice(
        world,
        scenario,
        either_of(&grant, &other, "issued_key"),
        &call,
        grant.at,
    );
}

/// Two users, one session name, one second, and a key that was never logged: nobody can tell.
pub(super) fn ambiguous_second(world: &mut World) {
    let scenario = "ambiguous_second";
    let (first, second) = two_users(world);
    let call = own_role(world, &first, Purpose::Deploy);
    let (grant, other) = same_second(world, scenario, (&first, &second), &call, &call, false);
    goes_on_twice(
        world,
        scenario,
        either_of(&grant, &other, "session_context"),
        &call,
        grant.at,
    );
}

/// The same, with the keys that were logged.
pub(super) fn second_told_apart_by_key(world: &mut World) {
    let scenario = "second_told_apart_by_key";
    let (first, second) = two_users(world);
    let call = own_role(world, &first, Purpose::Deploy);
    let (grant, other) = same_second(world, scenario, (&first, &second), &call, &call, false);
    for session in [grant.by_key(), other.by_key()] {
        goes_on_twice(world, scenario, session, &call, grant.at);
    }
}

/// One user twice in a second, once with MFA: the origin is sure, its MFA is not.
pub(super) fn second_of_one_user(world: &mut World) {
    let scenario = "second_of_one_user";
    let user = world.any_user_with_device();
    let call = own_role(world, &user, Purpose::Deploy);
    let with_device = AssumeRole {
        serial_number: user.device.clone(),
        ..call.clone()
    };
    let (grant, other) = same_second(world, scenario, (&user, &user), &call, &with_device, false);
    goes_on_twice(
        world,
        scenario,
        either_of(&grant, &other, "session_context"),
        &call,
        grant.at,
    );
}

/// One user twice in a second with different tags, and a record that does not show what it inherits.
pub(super) fn second_of_one_user_with_other_tags(world: &mut World) {
    let scenario = "second_of_one_user_with_other_tags";
    let user = world.any_user();
    let call = own_role(world, &user, Purpose::Deploy);
    let tagged = AssumeRole {
        tags: tags([("Project", "Castor")]),
        transitive_tag_keys: keys(["Project"]),
        ..call.clone()
    };
    let (grant, other) = same_second(world, scenario, (&user, &user), &call, &tagged, false);
    let session = either_of(&grant, &other, "session_context");
    let home = world.position_of(&user.account);
    world.soon(grant.at, move |world| {
        let next = AssumeRole {
            tags: tags([("Own", "1")]),
            logs_inherited_tags: false,
            ..AssumeRole::of(
                world.role(home, Purpose::Audit),
                &call.session_name,
                call.region,
            )
        };
        world.assume_role(scenario, &session, &next);
    });
}

/// A record is corrected under its own time: the correction takes its place.
pub(super) fn corrected_at_once(world: &mut World) {
    corrected(world, "corrected_at_once", 0);
}

/// A record is corrected under a later time: both are rows, and the correction speaks from then on.
pub(super) fn corrected_later(world: &mut World) {
    corrected(world, "corrected_later", 900);
}

fn corrected(world: &mut World, scenario: &'static str, seconds_later: i64) {
    let user = world.any_user();
    let caller = with_long_term_key(&user);
    let call = own_role(world, &user, Purpose::Deploy);
    // The first record lacks the tags.
    let first = world.assume_role(scenario, &caller, &call);
    let Some(told) = world.truths.pop() else {
        return;
    };
    let correction = AssumeRole {
        tags: tags([("Project", "Draco")]),
        transitive_tag_keys: keys(["Project"]),
        at: Some(first.at + seconds_later),
        access_key_id: first.access_key_id.clone(),
        addendum: Some(Addendum::Updated {
            original: first.ancestor.event_id.clone(),
            request_id: first.ancestor.request_id.clone(),
        }),
        ..call
    };
    if seconds_later == 0 {
        world.uncount(scenario);
        return correct(world, scenario, &caller, &correction, first.at);
    }
    world.truths.push(told);
    use_before_correction(world, scenario, first.by_key(), &correction, first.at);
    world.at(first.at + seconds_later, move |world| {
        correct(world, scenario, &caller, &correction, first.at)
    });
}

fn correct(
    world: &mut World,
    scenario: &'static str,
    caller: &Caller,
    correction: &AssumeRole,
    created_at: i64,
) {
    let mut grant = world.assume_role(scenario, caller, correction);
    if let Some(context) = &mut grant.identity.session {
        context.created_at = created_at;
    }
    if let (true, Some(truth), Some(Addendum::Updated { original, .. })) = (
        grant.at == created_at,
        world.truths.last_mut(),
        &correction.addendum,
    ) {
        // Of one time with the record it replaces, both are one row.
        truth.event_ids.push(original.clone());
        truth.event_ids.sort();
    }
    goes_on_twice(world, scenario, grant.by_key(), correction, grant.at);
}

/// Until the correction's time, the first record is the session's issuance.
fn use_before_correction(
    world: &mut World,
    scenario: &'static str,
    session: Caller,
    correction: &AssumeRole,
    from: i64,
) {
    let home = world.position_of(&correction.role.account);
    let (name, region) = (correction.session_name.clone(), correction.region);
    world.at(from + 300, move |world| {
        let next = AssumeRole::of(world.role(home, Purpose::Audit), &name, region);
        world.assume_role(scenario, &session, &next);
    });
}

/// A record that says of itself that it is late.
pub(super) fn delivered_late(world: &mut World) {
    let user = world.any_user();
    let mut call = own_role(world, &user, Purpose::Deploy);
    call.addendum = Some(Addendum::Delayed);
    let grant = world.assume_role("delivered_late", &with_long_term_key(&user), &call);
    goes_on_twice(world, "delivered_late", grant.by_key(), &call, grant.at);
}
