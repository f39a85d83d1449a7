//! Across the organisation's border: vendors, a partner, copies that stray.

use std::rc::Rc;

use super::with_long_term_key;
use crate::caller::{Caller, Identity, Keys, furthest};
use crate::calls::assume_role::AssumeRole;
use crate::calls::{Grant, original};
use crate::organisation::{Purpose, Vendor};
use crate::world::World;

/// What a vendor is: a user or a role session of an account whose trail is its own.
fn vendor_caller(world: &mut World, vendor: &Vendor) -> Caller {
    let of_role = vendor.principal_id.contains(':');
    let identity = Identity {
        kind: if of_role { "AssumedRole" } else { "IAMUser" },
        principal_id: Some(vendor.principal_id.clone()),
        account_id: Some(vendor.account.id.clone()),
        ..Identity::default()
    };
    let key = world
        .dice
        .unique_id(if of_role { "ASIA" } else { "AKIA" }, vendor.account.number);
    let origin = furthest(&identity);
    original(
        identity,
        Keys::Fixed(key),
        origin,
        &vendor.address,
        "Boto3/1.40.61 md/Botocore#1.40.61 ua/2.1",
    )
}

fn vendor_comes(world: &mut World, scenario: &'static str) -> (Grant, usize, &'static str) {
    let organisation = world.organisation.clone();
    let vendor = world.dice.pick(&organisation.vendors).clone();
    let caller = vendor_caller(world, &vendor);
    let account = world.any_account();
    let region = world.any_region();
    let mut call = AssumeRole::of(
        world.role(account, Purpose::Vendor),
        &vendor.session_name,
        region,
    );
    call.external_id = vendor.external_id.clone();
    (world.assume_role(scenario, &caller, &call), account, region)
}

/// Only the owner's copy is in the logs: the caller has an account and a principal ID, no more.
pub(super) fn vendor(world: &mut World) {
    let (grant, _, region) = vendor_comes(world, "vendor");
    world.work("vendor", &Rc::new(grant.by_key()), grant.at, region);
}

pub(super) fn vendor_goes_on(world: &mut World) {
    let (grant, account, region) = vendor_comes(world, "vendor_goes_on");
    let session = grant.by_key();
    world.soon(grant.at, move |world| {
        let target = world.other_account(account);
        let call = AssumeRole::of(world.role(target, Purpose::Audit), "scan", region);
        let grant = world.assume_role("vendor_goes_on", &session, &call);
        world.work("vendor_goes_on", &Rc::new(grant.by_key()), grant.at, region);
    });
}

/// A user takes a role of a partner, whose session comes back: the way back is told by the owner alone.
pub(super) fn there_and_back(world: &mut World) {
    let user = world.any_user();
    let region = world.any_region();
    let partner = world.organisation.partner.clone();
    let name = format!("joint-{}", world.dice.hex(6));
    let call = AssumeRole::of(partner, &name, region);
    let grant = world.assume_role("there_and_back", &with_long_term_key(&user), &call);
    let session = grant.by_key();
    world.soon(grant.at, move |world| {
        let account = world.any_account();
        let call = AssumeRole::of(world.role(account, Purpose::Audit), &name, region);
        let grant = world.assume_role("there_and_back", &session, &call);
        world.work("there_and_back", &Rc::new(grant.by_key()), grant.at, region);
    });
}

/// The two copies of a call fall into different seconds: two rows, of which the caller's speaks.
pub(super) fn twins_seconds_apart(world: &mut World) {
    let user = world.any_user();
    let home = world.position_of(&user.account);
    let account = world.other_account(home);
    let region = world.any_region();
    let name = format!("apart-{}", world.dice.hex(6));
    let mut call = AssumeRole::of(world.role(account, Purpose::Deploy), &name, region);
    call.seconds_apart = 1;
    let grant = world.assume_role("twins_seconds_apart", &with_long_term_key(&user), &call);
    let session = grant.by_key();
    world.soon(grant.at, move |world| {
        let call = AssumeRole::of(world.role(account, Purpose::Audit), &name, region);
        let grant = world.assume_role("twins_seconds_apart", &session, &call);
        world.work(
            "twins_seconds_apart",
            &Rc::new(grant.by_key()),
            grant.at,
            region,
        );
    });
}
