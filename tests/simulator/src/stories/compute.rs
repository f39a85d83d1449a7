//! Workloads: pipelines, pods, instances, functions, tasks, machines with certificates, apps.

use std::rc::Rc;

use super::{AGENTS, keys, tags};
use crate::Text;
use crate::caller::{Caller, Identity, Keys, compute};
use crate::calls::Grant;
use crate::calls::assume_role::{AssumeRole, service_caller};
use crate::calls::certificate::Certificate;
use crate::calls::federation::WebIdentity;
use crate::organisation::{Purpose, Role, address};
use crate::policy::Policy;
use crate::world::World;

/// A workload goes on to a role, mostly in another account.
fn goes_on(
    world: &mut World,
    scenario: &'static str,
    session: &Rc<Caller>,
    from: i64,
    home: usize,
    region: &'static str,
) {
    let session = session.clone();
    world.soon(from, move |world| {
        let account = if world.dice.chance(0.7) {
            world.other_account(home)
        } else {
            home
        };
        let call = AssumeRole::of(world.role(account, Purpose::Deploy), "release", region);
        let grant = world.assume_role(scenario, &session, &call);
        world.work(scenario, &Rc::new(grant.by_key()), grant.at, region);
    });
}

pub(super) fn github(world: &mut World) {
    let account = world.any_account();
    let role = world.role(account, Purpose::Runner);
    let repository = *world
        .dice
        .pick(&["shop", "ledger", "platform-infra", "mobile@81/app@77"]);
    let context = *world.dice.pick(&[
        "ref:refs/heads/main",
        "environment:production",
        "pull_request",
    ]);
    let region = world.any_region();
    let call = WebIdentity {
        provider: format!(
            "arn:aws:iam::{}:oidc-provider/token.actions.githubusercontent.com",
            role.account.id
        )
        .into(),
        session_name: "GitHubActions".into(),
        subject: format!("repo:example-org/{repository}:{context}").into(),
        tags: tags([]),
        transitive_tag_keys: Vec::new(),
        region,
        address: address(&mut world.dice),
        agent: "aws-sdk-nodejs/2.1692.0 linux/v24.11.0 configure-aws-credentials-for-github-actions promise",
        role,
    };
    let grant = world.assume_role_with_web_identity("github", &call);
    let session = Rc::new(grant.by_key());
    world.work("github", &session, grant.at, region);
    for _ in 0..world.dice.below(3) {
        goes_on(world, "github", &session, grant.at, account, region);
    }
}

/// A Kubernetes service account (IRSA).
pub(super) fn service_account(world: &mut World) {
    let account = world.any_account();
    let role = world.role(account, Purpose::ServiceAccount);
    let region = world.any_region();
    let workload = *world.dice.pick(&["payments", "search", "mailer"]);
    let tagged = world.dice.chance(0.3);
    let call = WebIdentity {
        provider: format!("arn:aws:iam::{}:oidc-provider/oidc.eks.{region}.amazonaws.com/id/1A2B3C4D5E6F708192A3B4C5D6E7F809", role.account.id).into(),
        session_name: format!("aws-sdk-java-{}{}", world.now, world.dice.between(100, 999)).into(),
        subject: format!("system:serviceaccount:production:{workload}").into(),
        tags: if tagged { tags([("Workload", workload), ("Tier", "1")]) } else { tags([]) },
        transitive_tag_keys: if tagged { keys(["Workload"]) } else { Vec::new() },
        region,
        address: address(&mut world.dice),
        agent: AGENTS[3],
        role,
    };
    let grant = world.assume_role_with_web_identity("service_account", &call);
    let session = Rc::new(grant.by_key());
    world.work("service_account", &session, grant.at, region);
    if tagged {
        goes_on(
            world,
            "service_account",
            &session,
            grant.at,
            account,
            region,
        );
    }
}

/// What a service's AssumeRole for a workload needs.
struct Workload {
    scenario: &'static str,
    service: &'static str,
    role: Rc<Role>,
    name: Text,
    region: &'static str,
}

impl Workload {
    fn of(
        world: &mut World,
        scenario: &'static str,
        service: &'static str,
        account: usize,
        purpose: Purpose,
        name: &str,
    ) -> Self {
        Self {
            scenario,
            service,
            role: world.role(account, purpose),
            name: name.into(),
            region: world.any_region(),
        }
    }

    /// The service takes a session for the workload, which is the origin by `shown_as`.
    fn session(
        &self,
        world: &mut World,
        call: AssumeRole,
        shown_as: &str,
        logs_user: bool,
    ) -> Grant {
        let origin = compute(shown_as, &self.role.account.id, None);
        let grant = world.service_assume_role(
            self.scenario,
            &service_caller(self.service, origin),
            call,
            logs_user,
        );
        Grant {
            address: address(&mut world.dice),
            agent: AGENTS[1].into(),
            ..grant
        }
    }

    fn call(&self, lifetime: i64) -> AssumeRole {
        AssumeRole {
            lifetime,
            ..AssumeRole::of(self.role.clone(), &self.name, self.region)
        }
    }
}

/// An instance renews its role session every six hours; its answer names no session.
pub(super) fn instance(world: &mut World) {
    let account = world.any_account();
    let id = format!("i-{}", world.dice.hex(17));
    let workload = Workload::of(
        world,
        "instance",
        "ec2.amazonaws.com",
        account,
        Purpose::Web,
        &id,
    );
    renew(world, workload, account);
}

const SIX_HOURS: i64 = 21_600;

fn renew(world: &mut World, workload: Workload, account: usize) {
    let lifetime = SIX_HOURS + world.dice.between(300, 2_000);
    let call = workload.call(lifetime);
    let grant = workload.session(world, call.clone(), &workload.name, false);
    // EC2 often asks twice within the second; either key, or one never logged, is then used.
    let twice = world.dice.chance(0.3);
    let session = if twice {
        let again = AssumeRole {
            at: Some(grant.at),
            ..call
        };
        let second = workload.session(world, again, &workload.name, false);
        if world.dice.chance(0.5) {
            second.by_key()
        } else {
            let account_number = second.account_number;
            grant.among(
                &[&grant, &second],
                "session_context",
                Keys::Fresh { account_number },
            )
        }
    } else {
        grant.by_key()
    };
    let session = Rc::new(on_instance(session));
    world.work("instance", &session, grant.at, workload.region);
    if world.dice.chance(0.3) {
        goes_on(
            world,
            "instance",
            &session,
            grant.at,
            account,
            workload.region,
        );
    }
    // Instances come and go.
    if world.dice.chance(0.7) {
        world.at(grant.at + SIX_HOURS, move |world| {
            renew(world, workload, account);
        });
    }
}

fn on_instance(mut session: Caller) -> Caller {
    if let Some(context) = &mut session.identity.session {
        context.ec2_role_delivery = true;
    }
    session
}

/// A function's session lasts twelve hours and goes by the function's name; some uses name its ARN.
pub(super) fn function(world: &mut World) {
    let account = world.any_account();
    let name = *world
        .dice
        .pick(&["orders-worker", "thumbnailer", "export-nightly", "webhook"]);
    let workload = Workload::of(
        world,
        "function",
        "lambda.amazonaws.com",
        account,
        Purpose::Function,
        name,
    );
    let call = workload.call(43_200);
    let grant = workload.session(world, call, name, false);
    let arn = format!(
        "arn:aws:lambda:{}:{}:function:{name}",
        workload.region, workload.role.account.id
    );
    let scoped = Identity {
        in_scope_of: Some((arn.into(), "AWS::Lambda::Function")),
        ..grant.identity.clone()
    };
    let session = Rc::new(Caller {
        in_use: Some(Rc::new(scoped)),
        ..grant.by_key()
    });
    world.work("function", &session, grant.at, workload.region);
    if world.dice.chance(0.4) {
        goes_on(
            world,
            "function",
            &session,
            grant.at,
            account,
            workload.region,
        );
    }
}

pub(super) fn task(world: &mut World) {
    let account = world.any_account();
    let id = world.dice.hex(32);
    let workload = Workload::of(
        world,
        "task",
        "ecs-tasks.amazonaws.com",
        account,
        Purpose::Task,
        &id,
    );
    let call = workload.call(SIX_HOURS);
    let grant = workload.session(world, call, &id, true);
    let session = Rc::new(grant.by_key());
    world.work("task", &session, grant.at, workload.region);
    if world.dice.chance(0.2) {
        goes_on(world, "task", &session, grant.at, account, workload.region);
    }
}

/// EKS pod identity: six tags that all pass on, and the node's call as witness.
pub(super) fn pod(world: &mut World) {
    let account = world.any_account();
    let node = format!("i-{}", world.dice.hex(17));
    let node = Workload::of(
        world,
        "pod",
        "ec2.amazonaws.com",
        account,
        Purpose::Web,
        &node,
    );
    let call = node.call(SIX_HOURS + 900);
    let grant = node.session(world, call, &node.name, false);
    let node_session = on_instance(grant.by_key());
    let region = node.region;
    world.soon(grant.at, move |world| {
        let home = world.organisation.accounts[account].clone();
        world.pod_identity("pod", &node_session, &home, region);
        pod_session(world, account, region);
    });
}

fn pod_session(world: &mut World, account: usize, region: &'static str) {
    let pod = format!("checkout-{}-{}", world.dice.hex(9), world.dice.hex(5));
    let uid = world.dice.guid();
    let session_name = format!("eks-production-{}-{uid}", &pod[..16]);
    let mut workload = Workload::of(
        world,
        "pod",
        "pods.eks.amazonaws.com",
        account,
        Purpose::Pod,
        &session_name,
    );
    workload.region = region;
    let home = &workload.role.account.id;
    let cluster = format!("arn:aws:eks:{region}:{home}:cluster/production");
    let all = tags([
        ("eks-cluster-arn", &cluster),
        ("eks-cluster-name", "production"),
        ("kubernetes-namespace", "shop"),
        ("kubernetes-pod-name", &pod),
        ("kubernetes-pod-uid", &uid),
        ("kubernetes-service-account", "checkout"),
    ]);
    let call = AssumeRole {
        duration: Some(SIX_HOURS),
        transitive_tag_keys: all.keys().cloned().collect(),
        tags: all,
        ..workload.call(SIX_HOURS)
    };
    let grant = workload.session(world, call, &format!("shop/{pod}"), true);
    let session = Rc::new(grant.by_key());
    world.work("pod", &session, grant.at, region);
    if world.dice.chance(0.6) {
        goes_on(world, "pod", &session, grant.at, account, region);
    }
}

/// A machine outside AWS shows a certificate.
pub(super) fn certificate(world: &mut World) {
    let account = world.any_account();
    let region = world.any_region();
    let call = Certificate {
        role: world.role(account, Purpose::Machine),
        serial: world.dice.hex(32).into(),
        common_name: format!("host{}.factory.example.com", world.dice.between(1, 40)).into(),
        subject_id: world.dice.guid(),
        region,
        address: address(&mut world.dice),
    };
    let grant = world.create_session("certificate", &call);
    let session = Rc::new(grant.by_key());
    world.work("certificate", &session, grant.at, region);
    if world.dice.chance(0.5) {
        let session = session.clone();
        world.soon(grant.at, move |world| {
            let target = world.other_account(account);
            let mut next =
                AssumeRole::of(world.role(target, Purpose::DataPipeline), "upload", region);
            next.policy = Some(Policy::any(&mut world.dice));
            let grant = world.assume_role("certificate", &session, &next);
            world.work("certificate", &Rc::new(grant.by_key()), grant.at, region);
        });
    }
}

pub(super) fn cognito(world: &mut World) {
    let account = world.any_account();
    let role = world.role(account, Purpose::Federated);
    let region = world.any_region();
    world.credentials_for_identity("cognito", &role, region);
}

/// An app's user goes on: only key and second tell whose session it is.
pub(super) fn app_user(world: &mut World) {
    let account = world.any_account();
    let role = world.role(account, Purpose::Federated);
    let region = world.any_region();
    let grant = world.credentials_for_identity("app_user", &role, region);
    let session = Rc::new(grant.by_key());
    goes_on(world, "app_user", &session, grant.at, account, region);
}
