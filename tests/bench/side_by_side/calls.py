"""Which records the job is about, for the alternatives in Python: those of the calls that Trailback knows, or with credentials in the response."""

SOURCES = (
    "cognito-identity.amazonaws.com",
    "eks-auth.amazonaws.com",
    "rolesanywhere.amazonaws.com",
    "signin.amazonaws.com",
    "sso-oauth.amazonaws.com",
    "sso.amazonaws.com",
    "sts.amazonaws.com",
)
NAMES = (
    "AssumeRole",
    "AssumeRoleForPodIdentity",
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "ConsoleLogin",
    "CreateOAuth2Token",
    "CreateSession",
    "CreateToken",
    "CreateTokenWithIAM",
    "GetCredentialsForIdentity",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetRoleCredentials",
    "GetSessionToken",
    "GetSigninToken",
    "SwitchRole",
)
