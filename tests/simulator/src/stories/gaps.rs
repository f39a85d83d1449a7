//! Sessions that were handed out before the logs begin, or where none are kept.

use std::rc::Rc;

use super::oddities::{goes_on_twice, own_role};
use super::tags;
use crate::Text;
use crate::caller::{
    Caller, Identity, Inheritance, Keys, SessionContext, Standing, compute, furthest, principal,
};
use crate::calls::assume_role::AssumeRole;
use crate::calls::token::federated_user;
use crate::organisation::{Purpose, address};
use crate::truth::OriginTruth;
use crate::world::World;

/// Someone whose session was handed out where no log tells of it.
fn unlogged_session(
    world: &mut World,
    identity: Identity,
    standing: Standing,
    account_number: u64,
) -> Caller {
    let key = world.dice.unique_id("ASIA", account_number);
    Caller {
        identity,
        keys: Keys::Fixed(key),
        standing,
        tags: Inheritance::default(),
        source_identity: None,
        in_use: None,
        from_console: false,
        address: address(&mut world.dice),
        agent: super::AGENTS[1].into(),
        expires_at: world.now + 3_600,
    }
}

/// Minutes to hours before now; at the start of the logs, before them.
fn earlier(world: &mut World) -> i64 {
    world.now - world.dice.between(300, 20_000)
}

/// A role session that names nobody: a gap, and what comes of it.
pub(super) fn issued_before_the_logs(world: &mut World) {
    let user = world.any_user();
    let call = own_role(world, &user, Purpose::Deploy);
    let created_at = earlier(world);
    let identity = Identity::of_role_session(&call.role, &call.session_name, created_at);
    let standing = Standing::Gap("not_in_logs", furthest(&identity));
    let mut session = unlogged_session(world, identity, standing, call.role.account.number);
    if world.dice.chance(0.5) {
        session.tags.actual = tags([("Department", "Engineering")]);
    }
    goes_on_twice(world, "issued_before_the_logs", session, &call, world.now);
}

/// A role session of Identity Center names the person by itself.
pub(super) fn person_before_the_logs(world: &mut World) {
    let organisation = world.organisation.clone();
    let person = world.dice.pick(&organisation.people).clone();
    let account = world.any_account();
    let role = world.role(account, Purpose::Developer);
    // Nobody else by this name, so that no logged session can be taken for this one.
    let name: Text = format!("contractor-{}@example.com", world.dice.hex(6)).into();
    let created_at = earlier(world);
    let mut identity = Identity::of_role_session(&role, &name, created_at);
    let named = world.dice.chance(0.5).then(|| {
        (
            person.user_id.clone(),
            organisation.identity_store_arn.clone(),
        )
    });
    identity.on_behalf_of = named.clone();
    let origin = OriginTruth {
        known: true,
        origin_type: "IdentityCenterUser",
        name: Some(name),
        account_id: Some(role.account.id.clone()),
        principal_id: named.as_ref().map(|(user_id, _)| user_id.clone()),
        identity_provider: named.map(|(_, store)| store),
        ..OriginTruth::default()
    };
    let session = unlogged_session(
        world,
        identity,
        Standing::Origin(origin),
        role.account.number,
    );
    let call = AssumeRole::of(role, "terraform", world.any_region());
    goes_on_twice(
        world,
        "person_before_the_logs",
        known_from_here(session),
        &call,
        world.now,
    );
}

/// An origin by itself inherits nothing that the logs do not show.
fn known_from_here(session: Caller) -> Caller {
    Caller {
        tags: Inheritance {
            known: true,
            ..session.tags
        },
        ..session
    }
}

/// Instances and functions name themselves in every use.
pub(super) fn workload_before_the_logs(world: &mut World) {
    let account = world.any_account();
    let region = world.any_region();
    let on_instance = world.dice.chance(0.5);
    let (purpose, name) = if on_instance {
        (Purpose::Web, format!("i-{}", world.dice.hex(17)))
    } else {
        (Purpose::Function, format!("batch-{}", world.dice.hex(8)))
    };
    let role = world.role(account, purpose);
    let created_at = earlier(world);
    let mut identity = Identity::of_role_session(&role, &name, created_at);
    let mut arn = None;
    if on_instance {
        if let Some(context) = &mut identity.session {
            context.ec2_role_delivery = true;
        }
    } else {
        let function: Text = format!(
            "arn:aws:lambda:{region}:{}:function:{name}",
            role.account.id
        )
        .into();
        identity.in_scope_of = Some((function.clone(), "AWS::Lambda::Function"));
        arn = Some(function);
    }
    let standing = Standing::Origin(compute(&name, &role.account.id, arn));
    let session = unlogged_session(world, identity, standing, role.account.number);
    let call = AssumeRole::of(role, "release", region);
    goes_on_twice(
        world,
        "workload_before_the_logs",
        known_from_here(session),
        &call,
        world.now,
    );
}

/// An IAM user with temporary credentials is named all the same.
pub(super) fn user_before_the_logs(world: &mut World) {
    let organisation = world.organisation.clone();
    let user = world.dice.pick(&organisation.absentees).clone();
    let mut identity = Identity::of_user(&user);
    let origin = principal("IAMUser", &identity);
    identity.session = Some(SessionContext {
        created_at: earlier(world),
        mfa: world.dice.chance(0.5),
        ..Default::default()
    });
    let session = unlogged_session(
        world,
        identity,
        Standing::Origin(origin),
        user.account.number,
    );
    let call = own_role(world, &user, Purpose::Deploy);
    goes_on_twice(
        world,
        "user_before_the_logs",
        known_from_here(session),
        &call,
        world.now,
    );
}

/// Every use of a federated user names its issuer.
pub(super) fn federated_user_before_the_logs(world: &mut World) {
    let user = world.any_user();
    let account = user.account.clone();
    let name = format!("old-broker-{}", world.dice.hex(6));
    let id: Text = format!("{}:{name}", account.id).into();
    let arn: Text = format!("arn:aws:sts::{}:federated-user/{name}", account.id).into();
    let created_at = earlier(world);
    let identity = federated_user(id, arn, &Identity::of_user(&user), &account, created_at);
    let origin = OriginTruth {
        principal_id: None,
        ..principal("IAMUser", &Identity::of_user(&user))
    };
    // Its console session goes on with all of its tags, which only the issuance tells.
    let session = unlogged_session(world, identity, Standing::Origin(origin), account.number);
    let session = Rc::new(session);
    let region = world.any_region();
    world.get_signin_token("federated_user_before_the_logs", &session, &account, false);
    world.work(
        "federated_user_before_the_logs",
        &session,
        world.now,
        region,
    );
}

/// Root at the console, or somebody by AssumeRoot: without the sign-in nobody can tell.
pub(super) fn root_before_the_logs(world: &mut World) {
    let account = world.any_account();
    let account = world.organisation.accounts[account].clone();
    let created_at = earlier(world);
    let identity = Identity {
        session: Some(SessionContext {
            created_at: world.claim(&account.id, created_at),
            mfa: world.dice.chance(0.5),
            ..SessionContext::default()
        }),
        ..Identity::of_root(&account.id)
    };
    let furthest = OriginTruth {
        name: Some("root".into()),
        ..principal("Root", &identity)
    };
    let standing = Standing::Gap("not_in_logs", furthest);
    let session = unlogged_session(world, identity, standing, account.number);
    world.create_oauth2_token("root_before_the_logs", &session, &account);
}
