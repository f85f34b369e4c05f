//! The form package: the canonical JSON whose SHA-256 names a form version (`record-and-sync` §9.5).
//!
//! Policies are not in it: they belong to the field, not to a version, and travel as log entries.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use super::attr::Sensitivity;
use super::error::{FormError, FormErrorKind};
use super::model::FormModel;
use crate::ids::{FieldId, FormHash};

/// A field as the package lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageField {
    /// The path in the instance.
    pub path: String,
    /// Its id, unique in the form's lineage.
    pub id: FieldId,
    /// Its type, [`super::Field::type_name`].
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether the answer is to be sealed.
    pub seal: bool,
    /// How much the answer gives away.
    pub sensitivity: Sensitivity,
}

/// A file that belongs to the form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageAttachment {
    /// The name that the form uses.
    pub name: String,
    /// SHA-256 of its bytes.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub sha256: [u8; 32],
}

/// A form version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormPackage {
    /// The form's id, the same for all versions.
    pub form_id: String,
    /// SHA-256 of the XForm as served.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub xform_sha256: [u8; 32],
    /// Its files, by name.
    pub attachments: Vec<PackageAttachment>,
    /// Its fields, in document order.
    pub fields: Vec<PackageField>,
}

impl FormPackage {
    /// The package of `model`, whose fields have `ids` in the same order, read from the served text `xform`.
    pub fn new(
        xform: &str,
        model: &FormModel,
        ids: &[FieldId],
        mut attachments: Vec<PackageAttachment>,
    ) -> Result<Self, FormError> {
        attachments.sort();
        if attachments.windows(2).any(|w| w[0].name == w[1].name) {
            return Err(invalid("Two files of this form have one name."));
        }
        if ids.len() != model.fields.len() {
            return Err(invalid("There must be one id for each field."));
        }
        let fields = model
            .fields
            .iter()
            .zip(ids)
            .map(|(f, id)| PackageField {
                path: f.path.clone(),
                id: *id,
                type_name: f.type_name(),
                seal: f.seal,
                sensitivity: f.sensitivity,
            })
            .collect();
        Ok(Self {
            form_id: model.form_id.clone(),
            xform_sha256: Sha256::digest(xform.as_bytes()).into(),
            attachments,
            fields,
        })
    }

    /// The canonical bytes (RFC 8785).
    pub fn to_bytes(&self) -> Result<Vec<u8>, FormError> {
        serde_jcs::to_vec(self).map_err(|_| invalid("This form package cannot be written."))
    }

    /// Reads canonical bytes; any other spelling of the same content is refused, so that one version has one hash.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormError> {
        let package: Self =
            serde_json::from_slice(bytes).map_err(|_| invalid("This is no form package."))?;
        if package.to_bytes()? != bytes {
            return Err(invalid("This form package is not in canonical form."));
        }
        Ok(package)
    }

    /// The name of this version.
    pub fn hash(&self) -> Result<FormHash, FormError> {
        Ok(FormHash::from_bytes(
            Sha256::digest(self.to_bytes()?).into(),
        ))
    }
}

pub(super) fn invalid(detail: &str) -> FormError {
    FormError::new(FormErrorKind::Package, detail)
}

fn to_hex<S: Serializer>(hash: &[u8; 32], s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&hex::encode(hash))
}

fn from_hex<'de, D: Deserializer<'de>>(d: D) -> Result<[u8; 32], D::Error> {
    let text = String::deserialize(d)?;
    let mut out = [0; 32];
    hex::decode_to_slice(&text, &mut out).map_err(|_| de::Error::custom("not a SHA-256"))?;
    Ok(out)
}
