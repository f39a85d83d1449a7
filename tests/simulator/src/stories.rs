//! What happens in the organisation: each story is a few calls that belong together.

mod chains;
mod compute;
mod gaps;
mod oddities;
mod outside;
mod people;
mod services;

use std::rc::Rc;

use crate::Text;
use crate::caller::{Caller, Identity, Keys, principal};
use crate::calls::original;
use crate::organisation::User;
use crate::truth::Tags;
use crate::world::World;

/// How often a story is told, and how it goes.
struct Story {
    weight: u64,
    tell: fn(&mut World),
}

const fn story(weight: u64, tell: fn(&mut World)) -> Story {
    Story { weight, tell }
}

/// Stories that make their rows at once come first: they fill up what is wanted at the end.
const STORIES: &[Story] = &[
    story(60, services::routine),
    story(30, services::databases),
    story(20, services::inspector),
    story(40, people::user_assumes_role),
    story(20, people::user_with_device),
    story(6, compute::cognito),
    story(20, outside::vendor),
    story(6, oddities::refused_role),
    story(3, oddities::refused_session_token),
    story(3, oddities::refused_console_login),
    story(20, people::session_token),
    story(12, people::console),
    story(3, people::root),
    story(8, people::federation_token),
    story(40, people::identity_center),
    story(12, people::saml),
    story(6, people::saml_console),
    story(3, people::assume_root),
    story(40, compute::github),
    story(24, compute::service_account),
    story(30, compute::instance),
    story(30, compute::function),
    story(20, compute::task),
    story(14, compute::pod),
    story(8, compute::certificate),
    story(20, chains::tagged_chain),
    story(4, chains::unlogged_inheritance),
    story(1, chains::juggling),
    story(4, outside::vendor_goes_on),
    story(2, outside::there_and_back),
    story(2, outside::twins_seconds_apart),
    story(2, oddities::key_handed_out_twice),
    story(2, oddities::key_handed_out_again_later),
    story(2, oddities::key_handed_out_twice_to_one_user),
    story(2, oddities::key_handed_out_twice_ambiguously),
    story(2, oddities::ambiguous_second),
    story(2, oddities::second_told_apart_by_key),
    story(2, oddities::second_of_one_user),
    story(2, oddities::second_of_one_user_with_other_tags),
    story(4, gaps::issued_before_the_logs),
    story(3, gaps::person_before_the_logs),
    story(3, gaps::workload_before_the_logs),
    story(3, gaps::user_before_the_logs),
    story(2, gaps::federated_user_before_the_logs),
    story(3, oddities::corrected_at_once),
    story(3, oddities::corrected_later),
    story(3, oddities::delivered_late),
    story(3, services::unknown_issuer),
    story(3, compute::app_user),
    story(2, gaps::root_before_the_logs),
];

/// The first of [`STORIES`] that make all their rows at once.
const IMMEDIATE: usize = 10;

/// Deals the stories: every one early on, then by weight.
pub(crate) struct Deck {
    first_round: Vec<usize>,
}

impl Deck {
    pub(crate) fn new(world: &mut World) -> Self {
        Self {
            first_round: world.dice.shuffled(STORIES.len()),
        }
    }

    pub(crate) fn next(&mut self, world: &mut World) -> fn(&mut World) {
        if let Some(position) = self.first_round.pop() {
            return STORIES[position].tell;
        }
        weighted(world, STORIES)
    }

    pub(crate) fn immediate(&self, world: &mut World) -> fn(&mut World) {
        weighted(world, &STORIES[..IMMEDIATE])
    }
}

fn weighted(world: &mut World, stories: &[Story]) -> fn(&mut World) {
    let all = stories.iter().map(|story| story.weight).sum();
    let mut left = world.dice.below(all);
    for story in stories {
        if left < story.weight {
            return story.tell;
        }
        left -= story.weight;
    }
    stories[0].tell
}

impl World {
    /// The session is used for calls of other services within the hour after `from`.
    fn work(
        &mut self,
        scenario: &'static str,
        caller: &Rc<Caller>,
        from: i64,
        region: &'static str,
    ) {
        let share = self.plan.sts_share;
        let wanted = (0.5 * (1.0 - share) / share).min(2.0);
        let count = wanted as i64 + i64::from(self.dice.chance(wanted.fract()));
        let latest = caller.expires_at.min(from + 3_600);
        for _ in 0..count {
            let time = self.dice.between(from + 1, latest.max(from + 1));
            let caller = caller.clone();
            self.at(time, move |world| {
                world.use_session(scenario, &caller, region)
            });
        }
    }

    /// `step` some seconds to minutes after `from`.
    fn soon(&mut self, from: i64, step: impl FnOnce(&mut World) + 'static) {
        let time = self.dice.between(from + 2, from + 400);
        self.at(time, step);
    }
}

/// An IAM user with the long-term key.
fn with_long_term_key(user: &User) -> Caller {
    let identity = Identity::of_user(user);
    let origin = principal("IAMUser", &identity);
    original(
        identity,
        Keys::Fixed(user.access_key_id.clone()),
        origin,
        &user.address,
        AGENTS[0],
    )
}

/// An IAM user at the sign-in page: no key is logged.
fn at_sign_in(user: &User) -> Caller {
    Caller {
        keys: Keys::Unlogged,
        agent: crate::calls::sign_in::BROWSER.into(),
        ..with_long_term_key(user)
    }
}

const AGENTS: [&str; 4] = [
    "aws-cli/2.31.9 md/awscrt#0.28.2 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython command#sts.assume-role",
    "Boto3/1.40.61 md/Botocore#1.40.61 ua/2.1 os/linux#6.1.0 md/arch#aarch64 lang/python#3.12.12 md/pyimpl#CPython",
    "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 (+https://www.terraform.io) terraform-provider-aws/6.18.0 aws-sdk-go-v2/1.39.5",
    "aws-sdk-java/2.37.3 md/io#sync md/http#Apache ua/2.1 os/Linux#5.10.245 lang/java#21.0.9 md/vendor#Amazon.com_Inc.",
];

fn tags<const N: usize>(all: [(&str, &str); N]) -> Tags {
    all.into_iter()
        .map(|(key, value)| (Text::from(key), Text::from(value)))
        .collect()
}

fn keys<const N: usize>(all: [&str; N]) -> Vec<Text> {
    all.into_iter().map(Text::from).collect()
}
