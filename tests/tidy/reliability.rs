//! The document of what was tried says what the records say; `TRIBUTARY_BLESS=1` writes its tables anew.

use tributary_tests::reliability::{document, filled};

#[test]
fn the_tables_of_what_was_tried_are_those_of_the_records() {
    let path = document();
    let text = std::fs::read_to_string(&path).unwrap();
    let should = filled(&text).unwrap();
    if std::env::var_os("TRIBUTARY_BLESS").is_some() {
        std::fs::write(&path, &should).unwrap();
        return;
    }
    assert!(
        text == should,
        "{} is not what tests/records says: TRIBUTARY_BLESS=1 tests/run tables_of_what_was_tried",
        path.display()
    );
}
