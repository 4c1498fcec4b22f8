use super::*;

#[test]
fn a_field_has_the_number_of_its_name() {
    for (place, name) in FIELDS.iter().enumerate() {
        assert_eq!(Field::parse(name).map(|field| field as usize), Some(place), "{name}");
    }
    assert_eq!(Field::parse("when"), None);
    assert_eq!(Field::parse("actors"), None);
}
