use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::chat::status_key;
use crate::read::Object;
use crate::redact::{Hidden, redacted_debug};
use crate::{NamedValue, Page};

/// A visitor of the customer's website. Texts are empty where nothing is known.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Visitor {
    /// Comm100's id, stable per browser.
    pub id: Option<Uuid>,
    /// Name; for an unknown visitor the console may put the IP address here.
    pub name: String,
    /// E-mail address.
    pub email: String,
    /// Phone number; only some sources send it here and not with the chat.
    pub phone: String,
    /// Company; only some sources send it here and not with the chat.
    pub company: String,
    /// What the visitor is doing.
    pub status: VisitorStatus,
    /// When this visit began.
    pub enter_site_time: Option<Timestamp>,
    /// The address that the visitor came from.
    pub referrer: String,
    /// The search engine that the visitor came from; only some sources tell.
    pub search_engine: String,
    /// What was searched for there.
    pub keywords: String,
    /// The first page of this visit.
    pub landing_page: Option<Page>,
    /// The page that the visitor is on.
    pub current_page: Option<Page>,
    /// Seconds on the current page.
    pub current_page_stay_seconds: Option<u64>,
    /// Pages seen in this visit.
    pub num_of_pages: Option<u64>,
    /// Where the visitor's address is.
    pub location: Location,
    /// The visitor's device.
    pub device: Device,
    /// Earlier visits.
    pub history: History,
    /// Names of the Comm100 segments that the visitor is in.
    pub segments: Vec<String>,
    /// Custom variables that the website published.
    pub custom_variables: Vec<NamedValue>,
    /// The id from visitor single sign-on.
    pub sso_id: Option<String>,
}

impl Visitor {
    /// Whether it says no more than which visitor it is and what they do.
    pub(crate) fn is_bare(&self) -> bool {
        let texts = [&self.name, &self.email, &self.phone, &self.company];
        texts.iter().all(|text| text.is_empty())
            && self.custom_variables.is_empty()
            && self.current_page.is_none()
            && self.sso_id.is_none()
    }

    /// Takes over what a bare visitor is said to do.
    pub(crate) fn update_state(&mut self, later: &Visitor) {
        if !later.status.as_str().is_empty() {
            self.status = later.status.clone();
        }
    }
}

redacted_debug!(Visitor {
    shown: [
        id,
        status,
        enter_site_time,
        landing_page,
        current_page,
        current_page_stay_seconds,
        num_of_pages,
        location,
        device,
        history
    ],
    hidden: [
        name,
        email,
        phone,
        company,
        referrer,
        search_engine,
        keywords,
        segments,
        custom_variables,
        sso_id
    ]
});

impl Visitor {
    /// Reads the SDK's shape; also the webhooks' and the REST API's, which keep in one level what the SDK groups.
    pub(crate) fn read(visitor: Object<'_>) -> Visitor {
        let location = visitor.object(&["location"]).unwrap_or(visitor);
        let device = visitor.object(&["device"]).unwrap_or(visitor);
        let history = visitor.object(&["history"]).unwrap_or(visitor);
        Visitor {
            id: visitor.guid(&["id"]),
            name: visitor.text(&["name"]),
            email: visitor.text(&["email"]),
            phone: visitor.text(&["phone"]),
            company: visitor.text(&["company"]),
            status: VisitorStatus::from(visitor.word(&["status"]).as_str()),
            enter_site_time: visitor.time(&["enterSiteTime", "visit_time", "visitTime"]),
            referrer: visitor.text(&["referrer", "referrer_url", "referrerUrl"]),
            search_engine: visitor.text(&["search_engine", "searchEngine"]),
            keywords: visitor.text(&["keywords", "searchKeywords"]),
            landing_page: visitor.page(&["landingPage", "landing_page"]),
            current_page: visitor.page(&["currentPage", "current_browsing", "currentBrowsing"]),
            current_page_stay_seconds: visitor.count(&["currentPageStayTime"]),
            num_of_pages: visitor.count(&["numOfPages", "page_views", "pageViews"]),
            location: Location {
                ip: location.text(&["ip"]),
                city: location.text(&["city"]),
                state: location.text(&["state"]),
                country: location.text(&["country"]),
            },
            device: Device {
                os: device.text(&["os", "operating_system", "operatingSystem"]),
                browser: device.text(&["browser"]),
                screen_resolution: device.text(&["screenResolution", "screen_resolution"]),
                language: device.text(&["language"]),
                timezone: device.text(&["timezone", "time_zone", "timeZone"]),
            },
            history: History {
                first_visit_time: history.time(&[
                    "firstVisitorTime",
                    "first_visit_time",
                    "firstVisitTime",
                ]),
                visits: history.count(&["visitTimes", "visits"]),
                chats: history.count(&["chatTimes", "chats"]),
            },
            segments: visitor.words(&["visitorSegmentations"]),
            custom_variables: visitor.named_values(&[
                "customVariables",
                "custom_variables",
                "customVariableResults",
            ]),
            sso_id: Some(visitor.text(&["ssoId", "sso_id"])).filter(|id| !id.trim().is_empty()),
        }
    }
}

/// Where a visitor's address is, by Comm100's estimate.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Location {
    /// IP address.
    pub ip: String,
    /// City.
    pub city: String,
    /// State or province.
    pub state: String,
    /// Country, by name.
    pub country: String,
}

redacted_debug!(Location {
    shown: [],
    hidden: [ip, city, state, country]
});

/// A visitor's device.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// Operating system with version.
    pub os: String,
    /// Browser with version.
    pub browser: String,
    /// E.g. `1920x1080`.
    pub screen_resolution: String,
    /// E.g. `nl-NL`.
    pub language: String,
    /// E.g. `GMT +01:00`.
    pub timezone: String,
}

redacted_debug!(Device {
    shown: [],
    hidden: [os, browser, screen_resolution, language, timezone]
});

/// A visitor's earlier visits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// When the visitor came for the first time.
    pub first_visit_time: Option<Timestamp>,
    /// Number of visits.
    pub visits: Option<u64>,
    /// Number of chats.
    pub chats: Option<u64>,
}

/// What a visitor is doing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum VisitorStatus {
    /// Waits for an agent.
    WaitingForChat,
    /// Is in a chat or call.
    Chatting,
    /// Fills in the pre-chat form.
    PreChat,
    /// Was invited by an agent or by a rule.
    Inviting,
    /// Writes an offline message.
    OfflineMessage,
    /// An agent refused the chat.
    RefusedByAgent,
    /// The visitor refused the invitation.
    RefusedByVisitor,
    /// The chat is over.
    ChatEnded,
    /// Is on the website.
    InSite,
    /// Has left the website.
    OutOfSite,
    /// The chat is on its way to another agent or department.
    Transferring,
    /// Comm100 is at work on it.
    SystemProcessing,
    /// A status that this version does not know, as written; empty if none was given.
    Unknown(String),
}

impl Default for VisitorStatus {
    fn default() -> Self {
        VisitorStatus::Unknown(String::new())
    }
}

impl VisitorStatus {
    /// The console's words for this status.
    pub fn as_str(&self) -> &str {
        match self {
            VisitorStatus::WaitingForChat => "waiting for chat",
            VisitorStatus::Chatting => "chatting",
            VisitorStatus::PreChat => "prechat",
            VisitorStatus::Inviting => "inviting",
            VisitorStatus::OfflineMessage => "offline message",
            VisitorStatus::RefusedByAgent => "refused by agent",
            VisitorStatus::RefusedByVisitor => "refused by visitor",
            VisitorStatus::ChatEnded => "chat ended",
            VisitorStatus::InSite => "in site",
            VisitorStatus::OutOfSite => "out of site",
            VisitorStatus::Transferring => "transferring",
            VisitorStatus::SystemProcessing => "system processing",
            VisitorStatus::Unknown(word) => word,
        }
    }
}

/// Reads the console's words, the REST API's and the webhooks' numbers.
impl From<&str> for VisitorStatus {
    fn from(word: &str) -> Self {
        match status_key(word).as_str() {
            "waitingforchat" | "0" => VisitorStatus::WaitingForChat,
            "chatting" | "voicechatting" | "audiochatting" | "1" | "2" => VisitorStatus::Chatting,
            "prechat" | "3" => VisitorStatus::PreChat,
            "inviting" | "manuallyinvited" | "autoinvited" | "4" | "5" => VisitorStatus::Inviting,
            "offlinemessage" | "6" => VisitorStatus::OfflineMessage,
            "refusedbyagent" | "refusedbyoperator" | "7" => VisitorStatus::RefusedByAgent,
            "refusedbyvisitor" | "8" => VisitorStatus::RefusedByVisitor,
            "chatended" | "9" => VisitorStatus::ChatEnded,
            "insite" | "10" => VisitorStatus::InSite,
            "outofsite" | "11" => VisitorStatus::OutOfSite,
            "transferring" => VisitorStatus::Transferring,
            "systemprocessing" => VisitorStatus::SystemProcessing,
            _ => VisitorStatus::Unknown(word.to_owned()),
        }
    }
}

impl From<String> for VisitorStatus {
    fn from(word: String) -> Self {
        VisitorStatus::from(word.as_str())
    }
}

impl From<VisitorStatus> for String {
    fn from(status: VisitorStatus) -> String {
        status.as_str().to_owned()
    }
}

impl fmt::Debug for VisitorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VisitorStatus::Unknown(word) => f.debug_tuple("Unknown").field(&Hidden(word)).finish(),
            VisitorStatus::WaitingForChat
            | VisitorStatus::Chatting
            | VisitorStatus::PreChat
            | VisitorStatus::Inviting
            | VisitorStatus::OfflineMessage
            | VisitorStatus::RefusedByAgent
            | VisitorStatus::RefusedByVisitor
            | VisitorStatus::ChatEnded
            | VisitorStatus::InSite
            | VisitorStatus::OutOfSite
            | VisitorStatus::Transferring
            | VisitorStatus::SystemProcessing => f.write_str(self.as_str()),
        }
    }
}
