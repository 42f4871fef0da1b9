//! What really lies in the files: every page is decrypted as SQLCipher 4 describes it, whether it is used or free, in the file
//! and in its log.

use std::path::{Path, PathBuf};

use aes::Aes256;
use backend::StoreKey;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use secrecy::ExposeSecret;

const PAGE: usize = 4096;
/// Initialisation vector and authentication code at the end of a page.
const RESERVED: usize = 80;
/// What stands in the clear at the beginning of the first page.
const SALT: usize = 16;
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Every file under a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// The files that hold one of these texts, in any case.
pub fn holding(folder: &Path, key: &StoreKey, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let plain = if name.ends_with("-wal") {
            bytes
                .get(LOG_HEADER..)
                .unwrap_or_default()
                .chunks(FRAME_HEADER + PAGE)
                .flat_map(|frame| {
                    let number = u32::from_be_bytes(frame[..4].try_into().unwrap());
                    page(&frame[FRAME_HEADER..], key, number == 1)
                })
                .collect()
        } else if name.contains(".sqlite") && !name.ends_with("-shm") && !name.ends_with(".lock") {
            bytes
                .chunks(PAGE)
                .enumerate()
                .flat_map(|(number, bytes)| page(bytes, key, number == 0))
                .collect()
        } else {
            bytes
        };
        let plain = String::from_utf8_lossy(&plain).to_lowercase();
        for text in texts {
            if plain.contains(&text.to_lowercase()) {
                found.push(format!("{name}: {text}"));
            }
        }
    }
    found
}

fn page(bytes: &[u8], key: &StoreKey, is_first: bool) -> Vec<u8> {
    if bytes.len() < PAGE {
        return bytes.to_vec();
    }
    let digits = key.digits().expose_secret();
    let key: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(|place| u8::from_str_radix(digits.get(place..place + 2).unwrap(), 16).unwrap())
        .collect();
    let start = if is_first { SALT } else { 0 };
    let (content, end) = bytes.split_at(PAGE - RESERVED);
    let mut content = content[start..].to_vec();
    cbc::Decryptor::<Aes256>::new_from_slices(&key, &end[..16])
        .unwrap()
        .decrypt_padded::<NoPadding>(&mut content)
        .unwrap();
    content
}
