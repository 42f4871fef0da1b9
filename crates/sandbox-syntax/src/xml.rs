//! A small XML document as a tree, read from events with bounds on its size and depth.

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    /// All text directly within it.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    fn open(start: &BytesStart<'_>) -> Result<Element, Unreadable> {
        let mut element = Element {
            name: start.name().as_ref().to_owned(),
            ..Element::default()
        };
        for attribute in start.attributes() {
            let attribute: Attribute<'_> = attribute.map_err(|_| Unreadable::Malformed)?;
            let value = attribute
                .normalized_value(XmlVersion::Explicit1_0)
                .map_err(|_| Unreadable::Malformed)?;
            element
                .attributes
                .push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(element)
    }
}

/// Why a text is no document that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Malformed,
    /// Deeper or longer than any sensible query.
    TooLarge,
}

/// Reads a document whose elements are nested at most `deepest` deep.
pub(crate) fn read(text: &str, longest: usize, deepest: usize) -> Result<Element, Unreadable> {
    if text.len() > longest {
        return Err(Unreadable::TooLarge);
    }
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let finished = match reader.read_event().map_err(|_| Unreadable::Malformed)? {
            Event::Start(start) => {
                if open.len() >= deepest {
                    return Err(Unreadable::TooLarge);
                }
                open.push(Element::open(&start)?);
                None
            }
            Event::Empty(start) => Some(Element::open(&start)?),
            // The reader has compared the names.
            Event::End(_) => open.pop(),
            Event::Text(text) => {
                add_text(&mut open, &text.xml10_content())?;
                None
            }
            Event::CData(text) => {
                add_text(&mut open, &text.xml10_content())?;
                None
            }
            Event::GeneralRef(reference) => {
                let character = reference
                    .resolve_char_ref()
                    .map_err(|_| Unreadable::Malformed)?;
                let text = match character {
                    Some(character) => character.to_string(),
                    None => escape::resolve_predefined_entity(&reference)
                        .ok_or(Unreadable::Malformed)?
                        .to_owned(),
                };
                add_text(&mut open, &text)?;
                None
            }
            // A type declaration could define entities; a query has none.
            Event::DocType(_) => return Err(Unreadable::Malformed),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => None,
            Event::Eof => break,
        };
        if let Some(element) = finished {
            match open.last_mut() {
                Some(parent) => parent.children.push(element),
                None if root.is_some() => return Err(Unreadable::Malformed),
                None => root = Some(element),
            }
        }
    }
    if open.is_empty() {
        root.ok_or(Unreadable::Malformed)
    } else {
        Err(Unreadable::Malformed)
    }
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), Unreadable> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        // Between elements, outside of the root.
        None if text.chars().all(|c| c.is_whitespace() || c == '\u{feff}') => {}
        None => return Err(Unreadable::Malformed),
    }
    Ok(())
}
