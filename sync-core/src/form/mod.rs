//! Forms: the model read from an XForm, the package that names a version, and field identity across versions.
//!
//! Not here: XPath (expressions are kept as text and never evaluated), spreadsheets (the server turns them into an
//! XForm first), how policies act on records ([`crate::policy`]), and storage.

mod attr;
mod bind;
mod choices;
mod control;
mod diff;
mod error;
mod fit;
mod guard;
mod identity;
mod itext;
mod model;
mod package;
mod published;
mod rows;
mod xform;

pub use attr::{DecideRole, PolicySpec, Sensitivity};
pub use bind::{Bind, DataType, Preload};
pub use choices::{Choice, ChoiceList, ChoiceSource};
pub use diff::{Moved, Named, PolicyStep, Preview, Renamed, Retyped, RulesChange};
pub use error::{FormError, FormErrorKind, Place};
pub use guard::open_xml;
pub use identity::{Assignment, FieldIdentity, FieldRules, assign_ids};
pub use itext::Texts;
pub use model::{Field, FieldKind, FormModel, RangeLimits};
pub use package::{FormPackage, PackageAttachment, PackageField};
pub use published::PublishedForm;
pub use rows::{PreparedForm, ROW_FIELD, prepare};
pub use xform::parse;

/// The namespace of our bind attributes: `policy`, `decide`, `consent`, `sensitivity`, `seal`.
pub const TRIB_NS: &str = "https://tributary.invalid/xforms";
/// The largest XForm, in bytes.
pub const XFORM_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The most fields of one form, groups and repeats included.
pub const FIELDS_MAX: usize = 5_000;
/// How deep groups and repeats may stand inside each other.
pub const DEPTH_MAX: usize = 32;
/// The most choices of one form, all lists together.
pub const CHOICES_MAX: usize = 50_000;
/// The longest name of a field, group or repeat, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// The longest code of a choice, in bytes.
pub const CODE_BYTES_MAX: usize = 256;
/// The most languages of one form.
pub const LANGUAGES_MAX: usize = 64;
