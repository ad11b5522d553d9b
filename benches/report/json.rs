//! Results for machines.

use std::path::Path;

use super::super::Result;
use super::super::row::Row;

/// Writes a list of objects.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(path: &Path, rows: &[Row]) -> Result<()> {
    let text = serde_json::to_string_pretty(rows)? + "\n";
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Reads what [`write`] wrote.
///
/// # Errors
/// Where the file cannot be read or is none of ours.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let failed = |error: String| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Ok(serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?)
}
