//! Visitors to practise with: each meets the demo data in another way.

use serde_json::{Value, json};

/// A visitor as the Agent Console's SDK describes one.
#[derive(Debug, Clone)]
pub struct SampleVisitor {
    /// Short and stable: `dana`.
    pub id: &'static str,
    /// One line for a person: what this visitor shows.
    pub note: String,
    /// The SDK's chat object.
    pub chat: Value,
    /// The SDK's visitor object.
    pub visitor: Value,
}

struct Sample {
    id: &'static str,
    note: &'static str,
    name: &'static str,
    email: &'static str,
    company: &'static str,
    phone: &'static str,
    question: &'static str,
    city: &'static str,
    country: &'static str,
}

/// Text that breaks what is put together from strings.
const HOSTILE: &str = "Robert'); DROP TABLE contact;-- ' or 1 eq 1 \"<script>alert(1)</script>\" %_[^a] ${{7*7}} \u{202e}txet\u{202c} 🦊\r\n\tend";

const SAMPLES: &[Sample] = &[
    Sample {
        id: "dana",
        note: "Known customer, same e-mail: contact, account and lead",
        name: "Dana Vermeer",
        email: "dana.vermeer@example.com",
        company: "Northwind Traders",
        phone: "+31 30 555 0142",
        question: "My invoice is <b>wrong</b>.",
        city: "Utrecht",
        country: "Netherlands",
    },
    Sample {
        id: "sarah",
        note: "Known by phone only, written differently",
        name: "Sarah",
        email: "",
        company: "",
        phone: "+44 20 7946 0919",
        question: "Can I move my appointment?",
        city: "London",
        country: "United Kingdom",
    },
    Sample {
        id: "shared",
        note: "Shared e-mail address: several contacts found",
        name: "Reception",
        email: "info@harborlight.example",
        company: "Harborlight Clinic",
        phone: "",
        question: "We need three more licences.",
        city: "London",
        country: "United Kingdom",
    },
    Sample {
        id: "hanako",
        note: "Name in Japanese, same e-mail",
        name: "山田 花子",
        email: "Hanako.Yamada@sakura-denki.example",
        company: "さくら電機株式会社",
        phone: "+81 3 5555 0929",
        question: "見積もりをお願いします。",
        city: "東京",
        country: "Japan",
    },
    Sample {
        id: "luca",
        note: "Only a lead",
        name: "Luca Moretti",
        email: "luca.moretti@moretti-arredi.example",
        company: "Moretti Arredamenti",
        phone: "",
        question: "Is there news about my quote?",
        city: "Milano",
        country: "Italy",
    },
    Sample {
        id: "ngozi",
        note: "Contact without an account",
        name: "Ngozi Adeyemi",
        email: "ngozi.adeyemi@example.org",
        company: "",
        phone: "0113 4960939",
        question: "How do I change my plan?",
        city: "London",
        country: "United Kingdom",
    },
    Sample {
        id: "bluepeak",
        note: "Account found by its own e-mail",
        name: "Service desk",
        email: "service@bluepeak.example",
        company: "Blue Peak Outfitters",
        phone: "",
        question: "Our orders page is empty.",
        city: "New York",
        country: "United States",
    },
    Sample {
        id: "unknown",
        note: "Unknown visitor",
        name: "Sam Taylor",
        email: "sam.taylor@unheard-of.example",
        company: "Unheard Of",
        phone: "+1 917 555 0143",
        question: "What does it cost?",
        city: "New York",
        country: "United States",
    },
    Sample {
        id: "hostile",
        note: "Hostile text in every field",
        name: HOSTILE,
        email: "o'hara\"<x>%_[]@example.com' or 1 eq 1",
        company: HOSTILE,
        phone: "'; -- +1 (212) <555> 0199%",
        question: HOSTILE,
        city: HOSTILE,
        country: HOSTILE,
    },
];

/// The visitors that practice mode offers.
pub fn sample_visitors() -> Vec<SampleVisitor> {
    SAMPLES.iter().map(visitor).collect()
}

fn visitor(sample: &Sample) -> SampleVisitor {
    let identity = |kind: &str| super::company::id(kind, sample.id);
    let hostile = sample.id == "hostile";
    let or = |usual: &'static str| if hostile { HOSTILE } else { usual };
    let page = json!({"title": or("Pricing"), "url": if hostile { "javascript:alert(1)" } else { "https://www.example.com/pricing" }});
    let chat = json!({
        "id": identity("chat"), "visitorId": identity("visitor"), "status": "chatting",
        "name": sample.name, "email": sample.email, "company": sample.company, "phone": sample.phone,
        "productService": or("Onboarding"), "department": or("Support"),
        "fields": [{"name": or("Account Number"), "value": if sample.id == "dana" { "AC-20417" } else { or("") }}],
        "rating": {"score": 0, "comment": or("")},
        "agents": [or("Robin")],
        "requestPage": page,
        "requestTime": 1_721_224_925, "waitingTime": 6, "duration": 412,
        "messages": [
            {"sender": "System", "senderType": "system", "time": 1_721_224_931, "content": "Agent Robin has joined the chat."},
            {"sender": "Robin", "senderType": "agent", "time": 1_721_224_933, "content": "Hello, how can I help?"},
            {"sender": sample.name, "senderType": "visitor", "time": 1_721_224_960, "content": sample.question},
        ],
    });
    let visitor = json!({
        "id": identity("visitor"), "name": sample.name, "email": sample.email, "status": "chatting",
        "enterSiteTime": 1_721_224_800, "referrer": or("https://search.example.net/"),
        "landingPage": {"title": or("Home"), "url": "https://www.example.com/"},
        "currentPage": page, "currentPageStayTime": 95, "numOfPages": 5,
        "location": {"ip": "203.0.113.24", "city": sample.city, "state": "", "country": sample.country},
        "device": {
            "os": or("Windows 11"), "browser": or("Google Chrome 126.0.0.0"), "screenResolution": "1920x1080",
            "language": "en-GB", "timezone": "GMT +01:00",
        },
        "history": {"firstVisitorTime": 1_718_000_000, "visitTimes": 6, "chatTimes": 3},
        "visitorSegmentations": [or("VIP")],
        "customVariables": [{"name": "PlanName", "value": or("Enterprise")}],
        "ssoId": null,
    });
    SampleVisitor {
        id: sample.id,
        note: sample.note.to_owned(),
        chat,
        visitor,
    }
}
