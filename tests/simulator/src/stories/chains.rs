//! Roles that assume roles: deep, tagged, across accounts, in circles.

use std::rc::Rc;

use super::{keys, tags, with_long_term_key};
use crate::caller::Caller;
use crate::calls::assume_role::AssumeRole;
use crate::organisation::Purpose;
use crate::policy::Policy;
use crate::world::World;

const STATIONS: [Purpose; 6] = [
    Purpose::Deploy,
    Purpose::DataPipeline,
    Purpose::Audit,
    Purpose::ReadOnly,
    Purpose::BreakGlass,
    Purpose::OrganisationAccess,
];

/// A user starts with tags and a source identity; up to six roles follow, and some add a tag of their own.
pub(super) fn tagged_chain(world: &mut World) {
    let user = world.any_user_with_device();
    let home = world.position_of(&user.account);
    let region = world.any_region();
    let mut call = AssumeRole::of(
        world.role(home, STATIONS[0]),
        &format!("{}-{}", user.name, world.dice.hex(4)),
        region,
    );
    call.tags = tags([
        ("Department", "Engineering"),
        ("Email", "someone@example.com"),
        ("Ticket", "OPS-1234"),
    ]);
    call.transitive_tag_keys = keys(["Department", "Ticket"]);
    call.source_identity = Some(user.name.clone());
    call.serial_number = user.device.clone().filter(|_| world.dice.chance(0.6));
    let grant = world.assume_role("tagged_chain", &with_long_term_key(&user), &call);
    let length = world.dice.between(1, 6) as usize;
    let session = Rc::new(grant.by_key());
    world.work("tagged_chain", &session, grant.at, region);
    world.soon(grant.at, move |world| {
        next_station(world, &session, home, 1, length, region)
    });
}

fn next_station(
    world: &mut World,
    session: &Caller,
    home: usize,
    hop: usize,
    length: usize,
    region: &'static str,
) {
    let account = if world.dice.chance(0.5) {
        world.other_account(home)
    } else {
        home
    };
    let name = format!("hop{hop}-{}", world.dice.hex(6));
    let mut call = AssumeRole::of(world.role(account, STATIONS[hop % 6]), &name, region);
    if world.dice.chance(0.4) {
        let own = format!("Step{hop}");
        call.tags = tags([(&own, "yes"), ("Scratch", "no")]);
        call.transitive_tag_keys = keys([&own]);
    }
    if world.dice.chance(0.3) {
        call.policy = Some(Policy::any(&mut world.dice));
    }
    let grant = world.assume_role("tagged_chain", session, &call);
    let session = Rc::new(grant.by_key());
    world.work("tagged_chain", &session, grant.at, region);
    if hop < length {
        world.soon(grant.at, move |world| {
            next_station(world, &session, account, hop + 1, length, region)
        });
    }
}

/// Some records of a chain do not show what they inherit; the record before them does.
pub(super) fn unlogged_inheritance(world: &mut World) {
    let user = world.any_user();
    let home = world.position_of(&user.account);
    let region = world.any_region();
    let name = format!("quiet-{}", world.dice.hex(6));
    let mut call = AssumeRole::of(world.role(home, Purpose::Deploy), &name, region);
    call.tags = tags([("Project", "Borealis"), ("Local", "1")]);
    call.transitive_tag_keys = keys(["Project"]);
    let grant = world.assume_role("unlogged_inheritance", &with_long_term_key(&user), &call);
    let session = grant.by_key();
    world.soon(grant.at, move |world| {
        let mut call = AssumeRole::of(world.role(home, Purpose::Audit), &name, region);
        call.logs_inherited_tags = false;
        call.tags = tags([("Own", "2")]);
        let grant = world.assume_role("unlogged_inheritance", &session, &call);
        let session = grant.by_key();
        world.soon(grant.at, move |world| {
            let mut call = AssumeRole::of(world.role(home, Purpose::ReadOnly), &name, region);
            call.logs_inherited_tags = world.dice.chance(0.5);
            let grant = world.assume_role("unlogged_inheritance", &session, &call);
            world.work(
                "unlogged_inheritance",
                &Rc::new(grant.by_key()),
                grant.at,
                region,
            );
        });
    });
}

/// Two roles that renew each other for ever, or at least beyond the hour and the 32 ancestors that a row lists.
pub(super) fn juggling(world: &mut World) {
    let user = world.any_user();
    let home = world.position_of(&user.account);
    let region = world.any_region();
    let roles = [
        world.role(home, Purpose::Deploy),
        world.role(home, Purpose::DataPipeline),
    ];
    let call = AssumeRole::of(roles[0].clone(), "keep-alive", region);
    let grant = world.assume_role("juggling", &with_long_term_key(&user), &call);
    let left = world.dice.between(34, 40);
    juggle(
        world,
        Rc::new(grant.by_key()),
        grant.at,
        [roles[1].clone(), roles[0].clone()],
        left,
    );
}

fn juggle(
    world: &mut World,
    session: Rc<Caller>,
    from: i64,
    roles: [Rc<crate::organisation::Role>; 2],
    left: i64,
) {
    world.work("juggling", &session, from, world.organisation.regions[0]);
    if left == 0 {
        return;
    }
    let time = from + world.dice.between(180, 300);
    world.at(time, move |world| {
        let region = world.organisation.regions[0];
        let call = AssumeRole::of(roles[0].clone(), "keep-alive", region);
        let grant = world.assume_role("juggling", &session, &call);
        let [next, after] = roles;
        juggle(
            world,
            Rc::new(grant.by_key()),
            grant.at,
            [after, next],
            left - 1,
        );
    });
}
