//! The integration guide's steps in short, for whoever connects Dynamics: who must do what.

use crate::view::GuideChapter;

/// The application in Microsoft Entra ID (cloud).
pub(super) const CLOUD_APPLICATION: &str = "step-1a";
/// The application group in AD FS (on-premises).
pub(super) const ADFS_APPLICATION: &str = "step-1b";
/// The application user and its role.
pub(super) const USER: &str = "step-2";
/// Where the four or six values of the connection are found.
pub(super) const CONNECTION: &str = "step-3a";
/// A person's own sign-in.
pub(super) const SIGN_IN: &str = "sign-in";

pub(super) fn chapters() -> Vec<GuideChapter> {
    let chapter = |id: &str, title: &str, who: &str, steps: &[&str]| GuideChapter {
        id: id.to_owned(),
        title: title.to_owned(),
        who: who.to_owned(),
        steps: steps.iter().map(|step| (*step).to_owned()).collect(),
    };
    vec![
        chapter(
            CLOUD_APPLICATION,
            "Step 1a: Create an application in Microsoft Entra ID (cloud)",
            "An administrator of Microsoft Entra ID (Azure Active Directory)",
            &[
                "In the Microsoft Entra admin center, open App registrations and choose New registration.",
                "Name the application, choose the supported account types, and register it.",
                "Under API permissions, add Dynamics CRM → user_impersonation, and grant admin consent.",
                "On the Overview, copy the Application (client) ID and the Directory (tenant) ID.",
                "Under Certificates & secrets, make a new client secret. Note when it expires, and copy its value at once: it is shown only now. The value is needed, not the secret's ID.",
            ],
        ),
        chapter(
            ADFS_APPLICATION,
            "Step 1b: Create an application group in AD FS (on-premises)",
            "An administrator of Active Directory Federation Services",
            &[
                "In AD FS Management, add an application group: Server application accessing a web API.",
                "Copy the Client Identifier: it is the application (client) ID.",
                "Generate a shared secret and copy it: it is the application secret.",
                "As identifier of the Web API, enter the organization's URL with its version, for example https://crm.contoso.com/api/data/v9.0, and choose Permit everyone.",
                "As permissions, choose openid and user_impersonation.",
                "Add three issuance transform rules to the Web API: pass through UPN, pass through Primary SID, and transform Windows account name to Name.",
            ],
        ),
        chapter(
            USER,
            "Step 2: Create an application user and its security role",
            "A System Administrator of the Dynamics 365 environment",
            &[
                "In the Power Platform admin center, open the environment → Settings → Users + permissions → Application users → New app user.",
                "Add the registered application and choose a business unit.",
                "Under Settings → Security → Security Roles, give a role the privileges of the guide's table; those that are missing are listed here after a test.",
                "Assign the role to the application user with Manage roles.",
            ],
        ),
        chapter(
            CONNECTION,
            "Step 3a: Connect",
            "Whoever manages the integration",
            &[
                "The organization URL is what stands in the browser when Dynamics is open: https://contoso.crm4.dynamics.com. On-premises older than 9.x, add /api/data/ and the version.",
                "Cloud: enter application ID, tenant ID and the secret's value.",
                "On-premises: enter login e-mail and password of a Dynamics user, application ID and secret, and the token endpoint of AD FS, for example https://fs.contoso.com/adfs/oauth2/token.",
                "Test the connection, then save.",
            ],
        ),
        chapter(
            SIGN_IN,
            "Sign in as yourself (cloud)",
            "An administrator of Microsoft Entra ID, once; then each agent",
            &[
                "In the application's Authentication, add the platform Mobile and desktop applications with the redirect URI http://localhost, and allow public client flows.",
                "Under API permissions, add Dynamics CRM → user_impersonation.",
                "Each agent needs a Dynamics 365 licence and a role with the privileges of the guide's table, then chooses Sign in.",
            ],
        ),
    ]
}
