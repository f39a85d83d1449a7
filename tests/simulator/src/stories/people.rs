//! People: IAM users, root, Identity Center, SAML.

use std::rc::Rc;

use super::{AGENTS, at_sign_in, keys, tags, with_long_term_key};
use crate::Text;
use crate::caller::{Caller, Identity, Keys, principal};
use crate::calls::assume_role::AssumeRole;
use crate::calls::federation::Saml;
use crate::calls::sign_in::BROWSER;
use crate::calls::token::Federation;
use crate::calls::{Grant, original};
use crate::organisation::{Person, Purpose, User};
use crate::policy::Policy;
use crate::world::World;

/// A role of the user's account, or now and then of another.
fn wanted_role(world: &mut World, user: &User) -> AssumeRole {
    let home = world.position_of(&user.account);
    let account = if world.dice.chance(0.35) {
        world.other_account(home)
    } else {
        home
    };
    let purpose = *world.dice.pick(&[
        Purpose::Deploy,
        Purpose::ReadOnly,
        Purpose::Audit,
        Purpose::DataPipeline,
    ]);
    let session_name = match world.dice.below(3) {
        0 => user.name.to_string(),
        1 => format!("botocore-session-{}", world.now),
        _ => format!(
            "aws-go-sdk-{}{}",
            world.now,
            world.dice.between(100_000_000, 999_999_999)
        ),
    };
    let region = world.any_region();
    let mut call = AssumeRole::of(world.role(account, purpose), &session_name, region);
    call.global = world.dice.chance(0.2);
    call.duration = world.dice.chance(0.5).then_some(3_600);
    call
}

pub(super) fn user_assumes_role(world: &mut World) {
    let user = world.any_user();
    let caller = with_long_term_key(&user);
    let mut call = wanted_role(world, &user);
    match world.dice.below(6) {
        0 => call.policy = Some(Policy::any(&mut world.dice)),
        1 => {
            call.policy = Some(Policy::any(&mut world.dice));
            call.policy_arns = vec![
                "arn:aws:iam::aws:policy/ReadOnlyAccess",
                "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
            ];
        }
        2 => call.policy_arns = vec!["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"],
        3 => {
            call.tags = tags([
                ("Project", "Atlas"),
                ("Note", "it's \"quoted\", a=b"),
                ("Empty", ""),
            ]);
        }
        4 => call.source_identity = Some(user.name.clone()),
        _ => {}
    }
    let grant = world.assume_role("user_assumes_role", &caller, &call);
    world.work(
        "user_assumes_role",
        &Rc::new(grant.by_key()),
        grant.at,
        call.region,
    );
}

pub(super) fn user_with_device(world: &mut World) {
    let user = world.any_user_with_device();
    let caller = with_long_term_key(&user);
    let mut call = wanted_role(world, &user);
    call.serial_number = user.device.clone();
    let grant = world.assume_role("user_with_device", &caller, &call);
    world.work(
        "user_with_device",
        &Rc::new(grant.by_key()),
        grant.at,
        call.region,
    );
}

/// Temporary credentials of a user, with MFA or without, then a role.
pub(super) fn session_token(world: &mut World) {
    let user = if world.dice.chance(0.7) {
        world.any_user_with_device()
    } else {
        world.any_user()
    };
    let caller = with_long_term_key(&user);
    let region = world.any_region();
    let grant = world.get_session_token(
        "session_token",
        &caller,
        &user.account,
        user.device.as_ref(),
        region,
    );
    let session = Rc::new(grant.by_key());
    world.work("session_token", &session, grant.at, region);
    for _ in 0..world.dice.between(0, 2) {
        let (session, user) = (session.clone(), user.clone());
        world.soon(grant.at, move |world| {
            let call = wanted_role(world, &user);
            let grant = world.assume_role("session_token", &session, &call);
            world.work(
                "session_token",
                &Rc::new(grant.by_key()),
                grant.at,
                call.region,
            );
        });
    }
}

/// A user at the console: a fresh key for every call, a switch to a role, `aws login`.
pub(super) fn console(world: &mut World) {
    let user = world.any_user();
    let account = user.account.clone();
    let grant = world.console_login(
        "console",
        &at_sign_in(&user),
        &account,
        user.device.as_ref(),
    );
    let session = Rc::new(Caller {
        from_console: true,
        ..grant.by_context()
    });
    let region = world.any_region();
    world.work("console", &session, grant.at, region);
    if world.dice.chance(0.3) {
        let session = session.clone();
        world.soon(grant.at, move |world| {
            world.create_oauth2_token("console", &session, &account)
        });
    }
    if world.dice.chance(0.6) {
        world.soon(grant.at, move |world| switch_role(world, &session, &user));
    }
}

/// The switched session keeps the sign-in's MFA, and its keys are never logged.
fn switch_role(world: &mut World, session: &Caller, user: &User) {
    let home = world.position_of(&user.account);
    let account = world.other_account(home);
    let role = world.role(account, Purpose::ReadOnly);
    let switching = Caller {
        agent: "AWS Signin, aws-internal/3 aws-sdk-java/1.12.797".into(),
        ..session.clone()
    };
    let mut call = AssumeRole::of(role.clone(), &user.name, "us-east-1");
    call.session_says_mfa = user.device.is_some();
    let grant = world.assume_role("switch_role", &switching, &call);
    world.switch_role("switch_role", &grant, &role, &user.arn);
    let switched = Rc::new(Caller {
        from_console: true,
        agent: BROWSER.into(),
        ..grant.by_context()
    });
    let region = world.any_region();
    world.work("switch_role", &switched, grant.at, region);
    if world.dice.chance(0.3) {
        world.soon(grant.at, move |world| {
            let call = AssumeRole::of(
                world.role(account, Purpose::Audit),
                "from-the-console",
                region,
            );
            let grant = world.assume_role("switch_role", &switched, &call);
            world.work("switch_role", &Rc::new(grant.by_key()), grant.at, region);
        });
    }
}

pub(super) fn root(world: &mut World) {
    let account = world.any_account();
    let account = world.organisation.accounts[account].clone();
    let identity = Identity::of_root(&account.id);
    let mut origin = principal("Root", &identity);
    origin.name = Some("root".into());
    let device: Text = format!("arn:aws:iam::{}:mfa/root-account-mfa-device", account.id).into();
    let address = crate::organisation::address(&mut world.dice);
    if world.dice.chance(0.6) {
        let caller = original(identity, Keys::Unlogged, origin, &address, BROWSER);
        let grant = world.console_login("root", &caller, &account, Some(&device));
        let session = Rc::new(Caller {
            from_console: true,
            ..grant.by_context()
        });
        return world.work("root", &session, grant.at, "us-east-1");
    }
    let key = world.dice.unique_id("AKIA", account.number);
    let caller = original(identity, Keys::Fixed(key), origin, &address, AGENTS[0]);
    let grant = world.get_session_token("root", &caller, &account, Some(&device), "us-east-1");
    world.work("root", &Rc::new(grant.by_key()), grant.at, "us-east-1");
}

/// A federated user, who can go on to the console.
pub(super) fn federation_token(world: &mut World) {
    let user = world.any_user();
    let caller = with_long_term_key(&user);
    let region = world.any_region();
    let call = Federation {
        name: format!("broker-{}", world.dice.hex(6)).into(),
        policy: world.dice.chance(0.7).then(|| Policy::any(&mut world.dice)),
        tags: if world.dice.chance(0.5) {
            tags([("Team", "Reporting")])
        } else {
            tags([])
        },
        region,
    };
    let grant = world.get_federation_token("federation_token", &caller, &user.account, &call);
    let session = Rc::new(grant.by_key());
    world.work("federation_token", &session, grant.at, region);
    if world.dice.chance(0.5) {
        world.soon(grant.at, move |world| {
            world.get_signin_token("federation_token", &session, &user.account, false);
            let console = Rc::new(Caller {
                from_console: true,
                agent: BROWSER.into(),
                ..grant.by_context()
            });
            world.work("federation_token", &console, world.now, region);
        });
    }
}

/// ASCII, as session names are.
fn session_name(person: &Person) -> Text {
    person.name.replace('í', "i").into()
}

/// Somebody comes by Identity Center. The issued key is never the one that is used.
fn sign_in(
    world: &mut World,
    scenario: &'static str,
    account: usize,
    purpose: Purpose,
) -> (Grant, Rc<Person>) {
    let organisation = world.organisation.clone();
    let person = world.dice.pick(&organisation.people).clone();
    let role = world.role(account, purpose);
    let region = organisation.regions[1];
    if world.dice.chance(0.4) {
        let portal = world.portal_user(&person);
        if world.dice.chance(0.3) {
            world.create_token(scenario, &portal);
        }
        world.get_role_credentials(scenario, &portal, &role);
    }
    let call = Saml {
        session_name: session_name(&person),
        subject: person.name.clone(),
        provider_arn: organisation.sso_providers[account].clone(),
        issuer: format!(
            "https://portal.sso.{region}.amazonaws.com/saml/assertion/{}",
            &organisation.id[2..]
        ),
        identity_center: true,
        tags: tags([]),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        region,
        for_console: false,
        address: person.address.clone(),
        agent: "aws-sdk-java/2.37.3 md/io#async md/http#NettyNio ua/2.1 os/Linux#5.10.245 lang/java#17.0.16",
        role,
    };
    (world.assume_role_with_saml(scenario, &call), person)
}

pub(super) fn identity_center(world: &mut World) {
    let account = world.any_account();
    let (grant, person) = sign_in(world, "identity_center", account, Purpose::Developer);
    let region = world.any_region();
    let store = world.organisation.identity_store_arn.clone();
    let named = Identity {
        on_behalf_of: Some((person.user_id.clone(), store)),
        ..grant.identity.clone()
    };
    let session = Rc::new(Caller {
        in_use: Some(Rc::new(named)),
        agent: AGENTS[2].into(),
        ..grant.by_context()
    });
    world.work("identity_center", &session, grant.at, region);
    match world.dice.below(10) {
        0..4 => {
            let session = session.clone();
            world.soon(grant.at, move |world| {
                go_on(world, &session, account, region)
            });
        }
        4..6 => world.soon(grant.at, move |world| {
            trade_for_console(world, &session, account, region)
        }),
        _ => {}
    }
}

/// Identity Center, then a role in another account.
fn go_on(world: &mut World, session: &Caller, account: usize, region: &'static str) {
    let target = world.other_account(account);
    let call = AssumeRole::of(world.role(target, Purpose::Deploy), "terraform", region);
    let grant = world.assume_role("identity_center", session, &call);
    world.work(
        "identity_center",
        &Rc::new(grant.by_key()),
        grant.at,
        region,
    );
}

/// The console's key is the caller's own, or one that is then used.
fn trade_for_console(world: &mut World, session: &Caller, account: usize, region: &'static str) {
    let home = world.organisation.accounts[account].clone();
    let new_key = world.dice.chance(0.5);
    let grant = world.get_signin_token("signin_token", session, &home, new_key);
    if new_key {
        let console = Rc::new(Caller {
            from_console: true,
            ..grant.by_key()
        });
        world.work("signin_token", &console, grant.at, region);
        world.soon(grant.at, move |world| {
            go_on(world, &console, account, region)
        });
    }
}

/// An administrator of the management account unlocks a bucket in a member account.
pub(super) fn assume_root(world: &mut World) {
    let (grant, _) = sign_in(world, "assume_root", 0, Purpose::Administrator);
    let session = grant.by_context();
    world.soon(grant.at, move |world| {
        let target = world.other_account(0);
        let target = world.organisation.accounts[target].clone();
        let region = world.any_region();
        let grant = world.assume_root("assume_root", &session, &target, region);
        world.work("assume_root", &Rc::new(grant.by_key()), grant.at, region);
    });
}

fn by_company(world: &mut World, for_console: bool) -> (Saml, usize) {
    let organisation = world.organisation.clone();
    let person = world.dice.pick(&organisation.people).clone();
    let account = world.any_account();
    let role = world.role(account, Purpose::Federated);
    let call = Saml {
        session_name: session_name(&person),
        subject: person.name.clone(),
        provider_arn: format!(
            "arn:aws:iam::{}:saml-provider/company-directory",
            role.account.id
        )
        .into(),
        issuer: "https://sts.windows.net/0e8108b1-18e9-41a4-961b-dfcddf92ef08/".into(),
        identity_center: false,
        tags: tags([
            ("Department", person.department),
            ("CostCenter", "4711"),
            ("Email", &person.name),
        ]),
        transitive_tag_keys: keys(["Department", "CostCenter"]),
        source_identity: world.dice.chance(0.5).then(|| session_name(&person)),
        region: world.any_region(),
        for_console,
        address: person.address.clone(),
        agent: if for_console {
            "AWS Signin, aws-internal/3 aws-sdk-java/1.12.797 Linux/5.10.245 OpenJDK_64-Bit_Server_VM/25.472"
        } else {
            AGENTS[1]
        },
        role,
    };
    (call, account)
}

/// SAML with principal tags, two of which pass on to the next role.
pub(super) fn saml(world: &mut World) {
    let (call, account) = by_company(world, false);
    let grant = world.assume_role_with_saml("saml", &call);
    let session = Rc::new(grant.by_key());
    world.work("saml", &session, grant.at, call.region);
    world.soon(grant.at, move |world| {
        let target = world.other_account(account);
        let mut next = AssumeRole::of(
            world.role(target, Purpose::DataPipeline),
            "nightly-report",
            call.region,
        );
        next.tags = tags([("Run", "nightly")]);
        let grant = world.assume_role("saml", &session, &next);
        world.work("saml", &Rc::new(grant.by_key()), grant.at, call.region);
    });
}

pub(super) fn saml_console(world: &mut World) {
    let (call, _) = by_company(world, true);
    let grant = world.assume_role_with_saml("saml_console", &call);
    world.saml_console_login("saml_console", &grant, &call.role, &call.provider_arn);
    let session = Rc::new(Caller {
        from_console: true,
        agent: BROWSER.into(),
        ..grant.by_context()
    });
    world.work("saml_console", &session, grant.at, call.region);
}
