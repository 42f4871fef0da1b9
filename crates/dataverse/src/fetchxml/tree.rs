//! FetchXML as a tree of elements: read with the place of each, written by the XML encoder.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesEnd, BytesRef, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer};
use std::fmt;

/// Nobody nests deeper; a reader must not be led into endless depth.
const DEEPEST: usize = 40;
/// In bytes: twice what Dataverse takes in a `$batch`.
const LONGEST: usize = 131_072;

/// What is wrong with a query, and where. It names elements, attributes, tables and columns, never a parameter's value.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Fault {
    /// The stable name of what is wrong: `fetchxml_malformed`, `fetchxml_structure`, `fetchxml_table_unknown`,
    /// `fetchxml_column_unknown`, `fetchxml_operator`, `fetchxml_alias`, `fetchxml_limit`, `fetchxml_parameter`.
    pub code: &'static str,
    /// The element, if one is meant.
    pub element: Option<String>,
    /// The attribute, if one is meant.
    pub attribute: Option<String>,
    /// Where it stands; none in a query that was built.
    pub place: Option<Place>,
    /// What is wrong.
    pub reason: String,
}

/// A place in a text; both count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Fault {
    pub(super) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self {
            code,
            element: None,
            attribute: None,
            place: None,
            reason: reason.into(),
        }
    }

    pub(super) fn at(mut self, element: &Element) -> Self {
        self.element = Some(shortened(&element.name));
        self.place = element.place;
        self
    }

    pub(super) fn of(mut self, attribute: &str) -> Self {
        self.attribute = Some(shortened(attribute));
        self
    }

    fn sentence(&self) -> String {
        let mut sentence = String::new();
        if let Some(Place { line, column }) = self.place {
            sentence.push_str(&format!("line {line}, column {column}: "));
        }
        if let Some(element) = &self.element {
            sentence.push_str(&format!("the element `{element}`"));
            if let Some(attribute) = &self.attribute {
                sentence.push_str(&format!(", attribute `{attribute}`"));
            }
            sentence.push_str(": ");
        }
        sentence.push_str(&self.reason);
        sentence
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.sentence(), self.code)
    }
}

impl From<Fault> for crate::Error {
    fn from(fault: Fault) -> Self {
        crate::odata::invalid(fault.to_string())
    }
}

/// What comes from outside is repeated only in part.
pub(super) fn shortened(name: &str) -> String {
    name.chars().take(64).collect()
}

/// An element with its attributes in order. Values are decoded.
#[derive(Clone, PartialEq)]
pub(crate) struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    pub text: String,
    pub place: Option<Place>,
}

/// The names in it; values are personal.
impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let attributes = ["name", "attribute", "operator", "link-type"];
        f.debug_list()
            .entries(attributes.iter().filter_map(|name| self.get(name)))
            .entries(&self.children)
            .finish()
    }
}

impl Element {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            attributes: Vec::new(),
            children: Vec::new(),
            text: String::new(),
            place: None,
        }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self.attributes.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.attributes.push((name.to_owned(), value)),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether a yes/no attribute says yes.
    pub fn says(&self, name: &str) -> bool {
        matches!(self.get(name), Some("true" | "1"))
    }

    pub fn children_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Writes the tree.
    pub fn write(&self) -> Result<String, Fault> {
        let mut writer = Writer::new(Vec::new());
        self.write_into(&mut writer)?;
        String::from_utf8(writer.into_inner())
            .map_err(|_| Fault::new("fetchxml_malformed", "it is no text"))
    }

    fn write_into(&self, writer: &mut Writer<Vec<u8>>) -> Result<(), Fault> {
        let failed = |error: std::io::Error| {
            Fault::new(
                "fetchxml_malformed",
                format!("it cannot be written: {error}"),
            )
        };
        let mut start = BytesStart::new(self.name.as_str());
        for (name, value) in &self.attributes {
            must_be_xml(value).map_err(|fault| fault.at(self).of(name))?;
            start.push_attribute((name.as_str(), value.as_str()));
        }
        if self.children.is_empty() && self.text.is_empty() {
            return writer.write_event(Event::Empty(start)).map_err(failed);
        }
        writer.write_event(Event::Start(start)).map_err(failed)?;
        must_be_xml(&self.text).map_err(|fault| fault.at(self))?;
        for (index, piece) in self.text.split('\r').enumerate() {
            if index > 0 {
                // A bare carriage return is read as a line feed.
                writer
                    .write_event(Event::GeneralRef(BytesRef::new("#13")))
                    .map_err(failed)?;
            }
            writer
                .write_event(Event::Text(BytesText::new(piece)))
                .map_err(failed)?;
        }
        for child in &self.children {
            child.write_into(writer)?;
        }
        writer
            .write_event(Event::End(BytesEnd::new(self.name.as_str())))
            .map_err(failed)
    }

    /// Reads a text.
    pub fn read(text: &str) -> Result<Self, Fault> {
        if text.len() > LONGEST {
            return Err(Fault::new(
                "fetchxml_limit",
                format!("it is longer than {LONGEST} bytes"),
            ));
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().enable_all_checks(true);
        let mut open: Vec<Element> = Vec::new();
        let mut root: Option<Element> = None;
        loop {
            let place = place(text, reader.buffer_position());
            let wrong = |reason: String| Fault {
                place: Some(place),
                ..Fault::new("fetchxml_malformed", reason)
            };
            let event = reader.read_event().map_err(|error| Fault {
                place: Some(self::place(text, reader.error_position())),
                ..Fault::new("fetchxml_malformed", format!("this is no XML: {error}"))
            })?;
            match event {
                Event::Start(start) => {
                    if open.len() >= DEEPEST {
                        return Err(wrong(format!(
                            "it is nested deeper than {DEEPEST} elements"
                        )));
                    }
                    open.push(element(&start, place)?);
                }
                Event::Empty(start) => {
                    let element = element(&start, place)?;
                    attach(&mut open, &mut root, element)?;
                }
                Event::End(_) => {
                    let element = open.pop().ok_or_else(|| {
                        wrong("an element is closed that was not opened".to_owned())
                    })?;
                    attach(&mut open, &mut root, element)?;
                }
                Event::Text(piece) => {
                    add_text(&mut open, &piece.xml10_content(), place)?;
                }
                Event::CData(piece) => {
                    add_text(&mut open, &piece.xml10_content(), place)?;
                }
                Event::GeneralRef(reference) => {
                    let resolved = match reference.resolve_char_ref() {
                        Ok(Some(c)) => Some(c.to_string()),
                        Ok(None) => {
                            quick_xml::escape::resolve_predefined_entity(&reference.xml10_content())
                                .map(str::to_owned)
                        }
                        Err(_) => None,
                    };
                    let resolved = resolved
                        .ok_or_else(|| wrong("it holds an entity that is not known".to_owned()))?;
                    add_text(&mut open, &resolved, place)?;
                }
                Event::Comment(_) | Event::Decl(_) => {}
                Event::PI(_) => {
                    return Err(wrong(
                        "a processing instruction has no place here".to_owned(),
                    ));
                }
                Event::DocType(_) => {
                    return Err(wrong("a document type has no place here".to_owned()));
                }
                Event::Eof => break,
            }
        }
        if let Some(unclosed) = open.last() {
            return Err(Fault::new("fetchxml_malformed", "it is not closed").at(unclosed));
        }
        root.ok_or_else(|| Fault::new("fetchxml_malformed", "it holds no element"))
    }
}

fn element(start: &BytesStart<'_>, place: Place) -> Result<Element, Fault> {
    let mut element = Element::new(start.name().as_ref());
    element.place = Some(place);
    for attribute in start.attributes() {
        let wrong = |reason: String| Fault::new("fetchxml_malformed", reason);
        let attribute = attribute
            .map_err(|error| wrong(format!("an attribute is wrong: {error}")).at(&element))?;
        let name = attribute.key.as_ref().to_owned();
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| {
                wrong(format!("the value is wrong: {error}"))
                    .at(&element)
                    .of(&name)
            })?
            .into_owned();
        must_be_xml(&value).map_err(|fault| fault.at(&element).of(&name))?;
        element.attributes.push((name, value));
    }
    Ok(element)
}

fn attach(open: &mut [Element], root: &mut Option<Element>, element: Element) -> Result<(), Fault> {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => {
            return Err(Fault::new(
                "fetchxml_malformed",
                "there is an element behind the first one",
            )
            .at(&element));
        }
    }
    Ok(())
}

fn add_text(open: &mut [Element], text: &str, place: Place) -> Result<(), Fault> {
    must_be_xml(text).map_err(|fault| Fault {
        place: Some(place),
        ..fault
    })?;
    match open.last_mut() {
        Some(parent) => {
            parent.text.push_str(text);
            Ok(())
        }
        None if text
            .trim_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
            .is_empty() =>
        {
            Ok(())
        }
        None => Err(Fault {
            place: Some(place),
            ..Fault::new("fetchxml_malformed", "there is text outside of the element")
        }),
    }
}

/// XML 1.0 cannot hold most control characters, in no spelling.
fn must_be_xml(text: &str) -> Result<(), Fault> {
    let fits = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    match text.chars().find(|c| !fits(*c)) {
        None => Ok(()),
        Some(c) => Err(Fault::new(
            "fetchxml_malformed",
            format!("the character U+{:04X} cannot stand in XML", u32::from(c)),
        )),
    }
}

fn place(text: &str, offset: u64) -> Place {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let mut place = Place { line: 1, column: 1 };
    for (at, c) in text.char_indices() {
        if at >= offset {
            break;
        }
        if c == '\n' {
            place = Place {
                line: place.line + 1,
                column: 1,
            };
        } else {
            place.column += 1;
        }
    }
    place
}
