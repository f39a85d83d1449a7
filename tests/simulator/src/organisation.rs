//! Who and what there is: accounts, roles, people, workloads, identity providers, vendors.

use std::rc::Rc;

use crate::Text;
use crate::dice::Dice;
use crate::plan::Plan;

/// The first is the one of the global endpoint.
pub(crate) const REGIONS: [&str; 8] = [
    "us-east-1",
    "eu-west-1",
    "us-west-2",
    "eu-central-1",
    "ap-southeast-2",
    "eu-north-1",
    "ap-northeast-1",
    "sa-east-1",
];

/// What a role is for. Every account has one role of each purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    OrganisationAccess,
    Deploy,
    Audit,
    ReadOnly,
    DataPipeline,
    BreakGlass,
    Federated,
    Runner,
    ServiceAccount,
    Web,
    Function,
    Task,
    Pod,
    Machine,
    Vendor,
    Identities,
    Administrator,
    Developer,
    Databases,
    Inspector,
    AutoScaling,
    TrailDelivery,
    Detector,
}

/// Purpose, path and name of the roles of an account.
const ROLES: [(Purpose, &str, &str); 23] = [
    (
        Purpose::OrganisationAccess,
        "/",
        "OrganizationAccountAccessRole",
    ),
    (Purpose::Deploy, "/ci/", "deploy"),
    (Purpose::Audit, "/security/", "audit"),
    (Purpose::ReadOnly, "/", "read-only"),
    (Purpose::DataPipeline, "/", "data-pipeline"),
    (Purpose::BreakGlass, "/security/", "break-glass"),
    (Purpose::Federated, "/", "federated-engineer"),
    (Purpose::Runner, "/ci/", "github-actions-runner"),
    (Purpose::ServiceAccount, "/eks/", "irsa-payments"),
    (Purpose::Web, "/", "web-instance"),
    (
        Purpose::Function,
        "/service-role/",
        "orders-worker-role-x7f3k2ab",
    ),
    (Purpose::Task, "/", "ecsTaskRole"),
    (Purpose::Pod, "/eks/", "pod-checkout"),
    (Purpose::Machine, "/", "on-premises-machine"),
    (Purpose::Vendor, "/vendors/", "vendor-integration"),
    (Purpose::Identities, "/", "Cognito_shopAuth_Role"),
    (
        Purpose::Administrator,
        "/aws-reserved/sso.amazonaws.com/eu-west-1/",
        "AWSReservedSSO_AdministratorAccess_",
    ),
    (
        Purpose::Developer,
        "/aws-reserved/sso.amazonaws.com/eu-west-1/",
        "AWSReservedSSO_Developer_",
    ),
    (
        Purpose::Databases,
        "/aws-service-role/rds.amazonaws.com/",
        "AWSServiceRoleForRDS",
    ),
    (
        Purpose::Inspector,
        "/aws-service-role/inspector2.amazonaws.com/",
        "AWSServiceRoleForAmazonInspector2",
    ),
    (
        Purpose::AutoScaling,
        "/aws-service-role/autoscaling.amazonaws.com/",
        "AWSServiceRoleForAutoScaling",
    ),
    (
        Purpose::TrailDelivery,
        "/service-role/",
        "CloudTrail_CloudWatchLogs_Role",
    ),
    (
        Purpose::Detector,
        "/aws-service-role/guardduty.amazonaws.com/",
        "AWSServiceRoleForAmazonGuardDuty",
    ),
];

pub(crate) struct Role {
    pub(crate) account: Rc<Account>,
    pub(crate) name: Text,
    /// With the path.
    pub(crate) arn: Text,
    /// `AROA…`
    pub(crate) id: Text,
}

impl Role {
    /// The ARN of one of its sessions; it lacks the path.
    pub(crate) fn session_arn(&self, session_name: &str) -> Text {
        format!(
            "arn:aws:sts::{}:assumed-role/{}/{session_name}",
            self.account.id, self.name
        )
        .into()
    }
}

pub(crate) struct Account {
    pub(crate) id: Text,
    pub(crate) number: u64,
    /// Whether its trail is delivered: it belongs to the organisation.
    pub(crate) logged: bool,
}

pub(crate) struct User {
    pub(crate) account: Rc<Account>,
    pub(crate) name: Text,
    pub(crate) arn: Text,
    /// `AIDA…`
    pub(crate) id: Text,
    /// `AKIA…`
    pub(crate) access_key_id: Text,
    /// The ARN of the MFA device.
    pub(crate) device: Option<Text>,
    pub(crate) address: Text,
}

/// A person of the identity provider: comes by Identity Center or by SAML.
pub(crate) struct Person {
    /// An e-mail address.
    pub(crate) name: Text,
    /// The user's ID in the identity store.
    pub(crate) user_id: Text,
    pub(crate) department: &'static str,
    pub(crate) address: Text,
}

pub(crate) struct Vendor {
    pub(crate) account: Rc<Account>,
    /// `AIDA…`, or `AROA…:session`.
    pub(crate) principal_id: Text,
    pub(crate) external_id: Option<Text>,
    pub(crate) session_name: Text,
    pub(crate) address: Text,
}

pub(crate) struct Organisation {
    pub(crate) id: Text,
    pub(crate) regions: Vec<&'static str>,
    /// The first is the management account.
    pub(crate) accounts: Vec<Rc<Account>>,
    /// By account, then by purpose.
    roles: Vec<Vec<Rc<Role>>>,
    pub(crate) users: Vec<Rc<User>>,
    /// Users whose temporary credentials were always handed out before the logs begin.
    pub(crate) absentees: Vec<Rc<User>>,
    pub(crate) people: Vec<Rc<Person>>,
    pub(crate) vendors: Vec<Rc<Vendor>>,
    /// An account of a partner, whose trail is not delivered.
    pub(crate) partner: Rc<Role>,
    pub(crate) identity_store_arn: Text,
    /// By account: the SAML provider that Identity Center keeps there.
    pub(crate) sso_providers: Vec<Text>,
    pub(crate) trust_anchor: Text,
}

const FIRST_NAMES: [&str; 24] = [
    "amara",
    "bilal",
    "chiara",
    "daniel",
    "elif",
    "farid",
    "gabriela",
    "hugo",
    "ines",
    "jonas",
    "keiko",
    "lukas",
    "maría",
    "nadia",
    "oluwaseun",
    "priya",
    "quentin",
    "ritva",
    "sofia",
    "tomasz",
    "uma",
    "viktor",
    "wanjiru",
    "yusuf",
];
const LAST_NAMES: [&str; 16] = [
    "almeida",
    "berg",
    "castro",
    "dubois",
    "eriksen",
    "fischer",
    "garcia",
    "haddad",
    "ito",
    "jensen",
    "kowalski",
    "lindqvist",
    "moreau",
    "nakamura",
    "okafor",
    "rossi",
];
const DEPARTMENTS: [&str; 5] = [
    "Engineering",
    "Finance",
    "Data & Analytics",
    "Security",
    "R\"and\"D",
];

impl Organisation {
    pub(crate) fn new(plan: &Plan, dice: &mut Dice) -> Self {
        let accounts: Vec<Rc<Account>> = (0..plan.accounts)
            .map(|_| new_account(dice, true))
            .collect();
        let roles = accounts
            .iter()
            .map(|account| new_roles(dice, account))
            .collect();
        let users = accounts
            .iter()
            .flat_map(|account| (0..plan.users).map(move |position| (account, position)))
            .map(|(account, position)| Rc::new(new_user(dice, account, position)))
            .collect();
        let absentees = accounts
            .iter()
            .map(|account| Rc::new(new_user(dice, account, plan.users)))
            .collect();
        let people = (0..plan.accounts * 6)
            .map(|position| Rc::new(new_person(dice, position)))
            .collect();
        let partner_account = new_account(dice, false);
        let sso_providers = accounts
            .iter()
            .map(|account| {
                format!(
                    "arn:aws:iam::{}:saml-provider/AWSSSO_{}_DO_NOT_DELETE",
                    account.id,
                    dice.hex(16)
                )
                .into()
            })
            .collect();
        Self {
            id: format!("o-{}", dice.letters_and_digits(10).to_lowercase()).into(),
            regions: REGIONS[..plan.regions].to_vec(),
            users,
            absentees,
            people,
            vendors: (0..6)
                .map(|which| Rc::new(new_vendor(dice, which)))
                .collect(),
            partner: new_roles(dice, &partner_account)[Purpose::Audit as usize].clone(),
            identity_store_arn: format!(
                "arn:aws:identitystore::{}:identitystore/d-{}",
                accounts[0].id,
                dice.hex(10)
            )
            .into(),
            sso_providers,
            trust_anchor: format!(
                "arn:aws:rolesanywhere:eu-west-1:{}:trust-anchor/{}",
                accounts[1].id,
                dice.guid()
            )
            .into(),
            accounts,
            roles,
        }
    }

    pub(crate) fn role(&self, account: usize, purpose: Purpose) -> Rc<Role> {
        self.roles[account][purpose as usize].clone()
    }
}

fn new_account(dice: &mut Dice, logged: bool) -> Rc<Account> {
    let number = dice.between(100_000_000_000, 999_999_999_999) as u64;
    Rc::new(Account {
        id: number.to_string().into(),
        number,
        logged,
    })
}

fn new_roles(dice: &mut Dice, account: &Rc<Account>) -> Vec<Rc<Role>> {
    ROLES
        .iter()
        .map(|(_, path, name)| {
            let name: Text = if name.ends_with('_') {
                format!("{name}{}", dice.hex(16)).into()
            } else {
                (*name).into()
            };
            Rc::new(Role {
                account: account.clone(),
                arn: format!("arn:aws:iam::{}:role{path}{name}", account.id).into(),
                id: dice.unique_id("AROA", account.number),
                name,
            })
        })
        .collect()
}

/// Every second user has an MFA device.
fn new_user(dice: &mut Dice, account: &Rc<Account>, position: usize) -> User {
    let name: Text = format!(
        "{}.{}",
        FIRST_NAMES[dice.below(24) as usize].replace('í', "i"),
        LAST_NAMES[(position * 7 + dice.below(3) as usize) % 16]
    )
    .into();
    // Two users of one account never share a name.
    let name: Text = format!("{name}{position}").into();
    let device = position
        .is_multiple_of(2)
        .then(|| format!("arn:aws:iam::{}:mfa/{name}-phone", account.id).into());
    User {
        arn: format!("arn:aws:iam::{}:user/{name}", account.id).into(),
        id: dice.unique_id("AIDA", account.number),
        access_key_id: dice.unique_id("AKIA", account.number),
        address: address(dice),
        account: account.clone(),
        device,
        name,
    }
}

fn new_person(dice: &mut Dice, position: usize) -> Person {
    let first = FIRST_NAMES[position % 24];
    let last = LAST_NAMES[position / 24 % 16];
    let number = position / 384;
    let number = if number == 0 {
        String::new()
    } else {
        number.to_string()
    };
    Person {
        // STS session names are ASCII, subjects need not be.
        name: format!("{first}.{last}{number}@example.com").into(),
        user_id: format!("{}-{}", dice.hex(10), dice.guid()).into(),
        department: DEPARTMENTS[position % 5],
        address: address(dice),
    }
}

fn new_vendor(dice: &mut Dice, which: usize) -> Vendor {
    let account = new_account(dice, false);
    let session_name: Text = ["cost-watch", "PostureScan", "backup_agent"][which % 3].into();
    let principal_id = if which.is_multiple_of(2) {
        let role = dice.unique_id("AROA", account.number);
        format!("{role}:{session_name}-{}", dice.hex(6)).into()
    } else {
        dice.unique_id("AIDA", account.number)
    };
    Vendor {
        principal_id,
        external_id: (which != 5).then(|| dice.guid()),
        session_name,
        address: address(dice),
        account,
    }
}

/// An address of the ranges kept for documentation, or one of a cloud.
pub(crate) fn address(dice: &mut Dice) -> Text {
    let network = dice.pick(&[
        "203.0.113",
        "198.51.100",
        "192.0.2",
        "18.232.97",
        "52.154.133",
        "3.225.16",
    ]);
    format!("{network}.{}", dice.between(1, 254)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roles_of_an_account_lie_where_their_purpose_says() {
        for (position, (purpose, _, _)) in ROLES.iter().enumerate() {
            assert_eq!(*purpose as usize, position);
        }
    }

    #[test]
    fn unique_ids_encode_their_account() {
        let mut dice = Dice::new(5);
        for number in [123_837_392_027_u64, 774_305_579_662] {
            let id = dice.unique_id("ASIA", number);
            let place = |letter: u8| match letter {
                b'A'..=b'Z' => u64::from(letter - b'A'),
                _ => u64::from(letter - b'2') + 26,
            };
            let eight = id
                .bytes()
                .skip(4)
                .take(8)
                .fold(0, |sum, letter| sum * 32 + place(letter));
            let decoded = 2 * (eight - (16 << 35)) + u64::from(id.as_bytes()[12] >= b'Q');
            assert_eq!(decoded, number);
        }
    }
}
