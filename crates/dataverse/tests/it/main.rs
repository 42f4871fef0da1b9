//! The client against recorded shapes of Entra ID, AD FS and the Web API, on a local server.

#[cfg(test)]
mod batch;
#[cfg(test)]
mod common;
#[cfg(test)]
mod fetchxml;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod network;
#[cfg(test)]
mod odata;
#[cfg(test)]
mod organization_url;
#[cfg(test)]
mod person;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod wire_cases;
#[cfg(test)]
mod writes;
