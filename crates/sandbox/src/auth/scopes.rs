//! The `scope` of a person's sign-in: permissions of one resource, and what OpenID Connect adds.

use super::refusal::Refusal;

/// The permission that *Dynamics CRM* offers to applications that act as a person.
const PERMISSION: &str = "user_impersonation";

/// What an application asks for in a person's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scopes {
    /// The organization, as it was named; `None` if only the person's identity is asked for.
    pub(super) resource: Option<String>,
    /// `.default` was asked for, not a permission by name.
    default: bool,
    pub(super) openid: bool,
    profile: bool,
    pub(super) offline: bool,
}

impl Scopes {
    /// Reads a space-separated list, against the origins under which the organization is known.
    pub(super) fn read(text: &str, origins: &[String]) -> Result<Scopes, Refusal> {
        let mut scopes = Scopes::default();
        let mut permission_named = false;
        for scope in text.split_whitespace() {
            match scope {
                "openid" => scopes.openid = true,
                "profile" | "email" => scopes.profile = true,
                "offline_access" => scopes.offline = true,
                _ => {
                    let (resource, permission) = scope
                        .rsplit_once('/')
                        .filter(|(resource, _)| url::Url::parse(resource).is_ok())
                        .ok_or_else(|| Refusal::scope_malformed(scope))?;
                    if !is_organization(resource, origins) {
                        return Err(Refusal::resource_unknown(resource));
                    }
                    match permission {
                        ".default" => scopes.default = true,
                        PERMISSION => permission_named = true,
                        other => return Err(Refusal::permission_unknown(other, resource)),
                    }
                    let known = scopes.resource.get_or_insert_with(|| resource.to_owned());
                    if known != resource {
                        return Err(Refusal::scope_of_several_resources(text));
                    }
                }
            }
        }
        if scopes.default && permission_named {
            return Err(Refusal::scope_malformed(text));
        }
        if scopes == Scopes::default() {
            return Err(Refusal::missing("scope"));
        }
        Ok(scopes)
    }

    /// The `scope` of the answer: what the access token is good for.
    pub(super) fn granted(&self) -> String {
        let mut granted = Vec::new();
        if let Some(resource) = &self.resource {
            granted.push(format!("{resource}/{PERMISSION}"));
            if self.default {
                granted.push(format!("{resource}/.default"));
            }
        }
        if self.openid {
            granted.push("openid".to_owned());
        }
        if self.profile {
            granted.push("profile".to_owned());
        }
        granted.join(" ")
    }
}

/// Does a resource name the organization, with or without a slash behind it?
pub(super) fn is_organization(resource: &str, origins: &[String]) -> bool {
    origins
        .iter()
        .any(|origin| origin.eq_ignore_ascii_case(resource.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Scopes, Refusal> {
        Scopes::read(text, &["http://127.0.0.1:1".to_owned()])
    }

    #[test]
    fn permissions_of_one_resource() {
        let scopes =
            read("http://127.0.0.1:1/user_impersonation offline_access openid profile").unwrap();
        assert!(scopes.offline && scopes.openid);
        assert_eq!(
            scopes.granted(),
            "http://127.0.0.1:1/user_impersonation openid profile"
        );
        let double = read("http://127.0.0.1:1//.default").unwrap();
        assert_eq!(double.resource.as_deref(), Some("http://127.0.0.1:1/"));
    }

    #[test]
    fn refused_scopes() {
        let two = "http://127.0.0.1:1/user_impersonation http://127.0.0.1:1//user_impersonation";
        for (text, code) in [
            ("", "AADSTS900144"),
            ("nonsense", "AADSTS70011"),
            (
                "http://127.0.0.1:1/.default http://127.0.0.1:1/user_impersonation",
                "AADSTS70011",
            ),
            ("https://other.example/user_impersonation", "AADSTS500011"),
            ("http://127.0.0.1:1/everything", "AADSTS650053"),
            (two, "AADSTS28000"),
        ] {
            let refusal = read(text).unwrap_err();
            assert!(refusal.sentence().starts_with(code), "{text}: {refusal:?}");
        }
    }
}
