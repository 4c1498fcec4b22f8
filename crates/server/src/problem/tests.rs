use super::*;

#[test]
fn every_code_has_a_status_that_says_error_and_a_name_that_reads_back() {
    for code in Code::ALL {
        assert!((400..600).contains(&code.status()), "{code}");
        assert_eq!(Code::parse(code.as_str()), Some(*code));
        assert!(!code.explanation().is_empty() && !code.title().is_empty());
    }
}

#[test]
fn a_document_has_type_title_status_detail_request_id_and_places() {
    let fault = Fault {
        pointer: Some("/metadata".to_owned()),
        offset: Some(17),
        limit: Some(64),
        detail: "65 keys; at most 64 are taken".to_owned(),
        ..Fault::default()
    };
    let body = Problem::at(Code::TooLarge, fault).body("r-1");
    assert_eq!(
        String::from_utf8(body).expect("UTF-8"),
        r#"{"type":"/errors/too_large","title":"Something is over its limit","status":413,"code":"too_large","detail":"65 keys; at most 64 are taken","request_id":"r-1","errors":[{"pointer":"/metadata","offset":17,"limit":64,"detail":"65 keys; at most 64 are taken"}]}"#
    );
}
