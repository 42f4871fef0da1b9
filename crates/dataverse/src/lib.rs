//! dataverse
