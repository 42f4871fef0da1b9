//! Reading what a client asks for: the resource path, the query options and the `$filter` language
//! (protocol pages `query.md`, `crud.md`, `clients.md`). Nothing here knows the tables; `query` gives it meaning.

pub(crate) mod filter;
pub(crate) mod lexer;
pub(crate) mod options;
pub(crate) mod path;
