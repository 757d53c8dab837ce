//! Careless forms, refusals, and the properties that matching relies on.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(semantic: Semantic, raw: &str, expected: Result<&str, Reason>) {
    let got = semantic.normalise(raw).map_err(|reject| {
        assert_eq!(reject.semantic, semantic);
        reject.reason
    });
    assert_eq!(
        got.as_deref().map_err(|r| *r),
        expected,
        "{semantic} of {raw:?}"
    );
}

#[test]
fn phones_in_careless_forms() {
    for raw in [
        "15812913979",
        "+8615812913979",
        "008615812913979",
        "+008615812913979",
        "8615812913979",
        "+86 158-1291-3979",
        "158 1291 3979",
        "  15812913979\t",
        "(86)15812913979",
        "(+86) 158 1291 3979",
        "（＋８６）１５８１２９１３９７９",
        "１５８１２９１３９７９",
        "015812913979",
        "+86 0158 1291 3979",
        "tel:+86-158-1291-3979",
        "'15812913979",
        "\u{202D}158\u{2011}1291\u{00A0}3979\u{202C}",
    ] {
        check(Semantic::Phone, raw, Ok("+8615812913979"));
    }
    for (raw, expected) in [
        ("0731-8888 1234", "+8673188881234"),
        ("+86 731 88881234", "+8673188881234"),
        ("+86 (0)731 8888 1234", "+8673188881234"),
        ("0731 888 1234", "+867318881234"),
        ("010-88881234", "+861088881234"),
        ("(021) 8888.1234", "+862188881234"),
        ("400-800-1234", "+864008001234"),
        ("10086", "+8610086"),
        ("95588", "+8695588"),
        ("110", "+86110"),
        ("+1 (212) 555-0100", "+12125550100"),
        ("00852 2345 6789", "+85223456789"),
        ("+886 912 345 678", "+886912345678"),
    ] {
        check(Semantic::Phone, raw, Ok(expected));
    }
}

#[test]
fn phones_refused() {
    for (raw, reason) in [
        ("", Reason::Empty),
        (" \u{3000} ", Reason::Empty),
        ("unknown", Reason::Character),
        ("12812913979", Reason::Form),
        ("1581291397", Reason::Form),
        ("158129139790", Reason::Form),
        ("88881234", Reason::Form),
        ("7318888123", Reason::Form),
        ("15812913979 ext 2", Reason::Character),
        ("158+12913979", Reason::Character),
        ("++8615812913979", Reason::Character),
        ("+86 12812913979", Reason::Form),
        ("+1234567", Reason::TooShort),
        ("+1234567890123456", Reason::TooLong),
        ("1.58129E+10", Reason::Rounded),
        ("12", Reason::TooShort),
        ("158129139791581291397915812913979", Reason::TooLong),
    ] {
        check(Semantic::Phone, raw, Err(reason));
    }
}

#[test]
fn resident_ids() {
    for (raw, expected) in [
        ("11010519491231002X", Ok("11010519491231002X")), // the standard's own example
        (" 11010519491231002x ", Ok("11010519491231002X")),
        ("110105 19491231 002x", Ok("11010519491231002X")),
        (
            "１１０１０５１９４９１２３１００２Ｘ",
            Ok("11010519491231002X"),
        ),
        ("440524188001010014", Err(Reason::Calendar)), // valid, but born in 1880
        ("110105491231002", Ok("11010519491231002X")), // as issued before 1999
        ("", Err(Reason::Empty)),
        ("110105194912310021", Err(Reason::CheckDigit)),
        ("11010519491331002X", Err(Reason::Calendar)),
        ("11010519490229002X", Err(Reason::Calendar)),
        ("1101051949123100X2", Err(Reason::Character)),
        ("11010519491231002", Err(Reason::TooShort)),
        ("11010519491231002X0", Err(Reason::TooLong)),
        ("1.10105E+17", Err(Reason::Rounded)),
        ("01010519491231002X", Err(Reason::Form)),
    ] {
        check(Semantic::ResidentId, raw, expected);
    }
}

#[test]
fn accounts() {
    check(
        Semantic::Account,
        " 6228 0181-7077 2010 000",
        Ok("6228018170772010000"),
    );
    check(
        Semantic::Account,
        "６２２８０１８１７０７７２０１００００",
        Ok("6228018170772010000"),
    );
    check(Semantic::Account, "6.228018E+18", Err(Reason::Rounded));
    check(Semantic::Account, "1234567", Err(Reason::TooShort));
    check(Semantic::Account, &"1".repeat(33), Err(Reason::TooLong));
    check(Semantic::Account, "62280181A", Err(Reason::Character));
}

#[test]
fn amounts() {
    for (raw, expected) in [
        ("1315.7", Ok("1315.70")),
        ("¥1,315.70", Ok("1315.70")),
        ("￥１３１５．７０", Ok("1315.70")),
        ("CNY 1315.70", Ok("1315.70")),
        ("1315.70元", Ok("1315.70")),
        ("-5", Ok("-5.00")),
        ("¥-5", Ok("-5.00")),
        (".5", Ok("0.50")),
        ("-0", Ok("0.00")),
        ("1.2300", Ok("1.23")),
        ("1.234", Err(Reason::Precision)),
        ("1,23", Err(Reason::Form)),
        ("1,2345.00", Err(Reason::Form)),
        ("1e9", Err(Reason::Rounded)),
        (".", Err(Reason::Form)),
        ("99999999999999999999", Err(Reason::Range)),
        ("twelve", Err(Reason::Rounded)),
        ("abc", Err(Reason::Character)),
    ] {
        check(Semantic::Money, raw, expected);
    }
}

#[test]
fn instants_and_dates() {
    for raw in [
        "2018-11-11T00:08:57Z",
        "2018-11-11 08:08:57+08:00",
        "2018/11/11 08:08:57 +0800",
        "2018-11-11T08:08:57.000999+08",
        "2018-11-11 00:08:57",
        "2018-11-10T19:08:57-05:00",
        "20181111000857",
        "1541894937",
        "1541894937000",
        "2018-11-11 00:08:57 UTC",
    ] {
        check(Semantic::Timestamp, raw, Ok("2018-11-11T00:08:57.000Z"));
    }
    let local = Semantic::Timestamp.parse_in_zone("2018-11-11 08:08:57", 480);
    assert!(local == Ok(Normal::Int(1_541_894_937_000)));
    for (raw, reason) in [
        ("2018-11-11", Reason::Form),
        ("2018-02-29 00:00", Reason::Calendar),
        ("2018-11-11 24:00", Reason::Calendar),
        ("2018-11-11 00:00:60", Reason::Calendar),
        ("1812-11-11 00:00", Reason::Calendar),
        ("99999999999999", Reason::Calendar),
        ("2018-11-11 0:0:0:0", Reason::Form),
        // Four bytes, and no character ends after the second.
        ("2018-11-11 08:00+日0", Reason::Form),
    ] {
        check(Semantic::Timestamp, raw, Err(reason));
    }
    for raw in ["2018-11-11", "2018/11/11", "20181111", "2018年11月11日"] {
        check(Semantic::Date, raw, Ok("2018-11-11"));
    }
    check(Semantic::Date, "2018-13-11", Err(Reason::Calendar));
    check(Semantic::Date, "11.11.2018", Err(Reason::Form));
}

#[test]
fn a_text_of_invisible_marks_alone_is_empty() {
    for raw in ["\u{200e}", "\u{200e}\u{1}", "\u{1}\u{2060}\u{1}"] {
        check(Semantic::Text, raw, Err(Reason::Empty));
    }
    check(Semantic::Text, "a\u{200e}\u{1}", Ok("a\u{200e}"));
}

#[test]
fn numbers_and_names() {
    check(Semantic::Integer, "+042", Ok("42"));
    check(
        Semantic::Integer,
        "-9223372036854775808",
        Ok("-9223372036854775808"),
    );
    check(Semantic::Integer, "9223372036854775808", Err(Reason::Range));
    check(Semantic::Integer, "4.2", Err(Reason::Character));
    check(Semantic::Real, "1.31", Ok("1.31"));
    check(Semantic::Real, "-0.0000005", Ok("-0.000001"));
    check(Semantic::Real, "1e3", Ok("1000"));
    check(Semantic::Real, "NaN", Err(Reason::Range));
    check(Semantic::Real, "2e9", Err(Reason::Range));
    check(Semantic::Text, " 王\u{3000}小 \r\n 明 ", Ok("王 小 明"));
    check(Semantic::Institution, "Bank_A", Ok("bank_a"));
    check(Semantic::Institution, "bank a", Err(Reason::Character));
    check(Semantic::Premise, "p000317000", Ok("P000317000"));
    check(Semantic::Premise, &"P".repeat(33), Err(Reason::TooLong));
    check(
        Semantic::Text,
        &"x".repeat(MAX_RAW_BYTES + 1),
        Err(Reason::TooLong),
    );
    assert_eq!(Semantic::Real.from_f64(0.1).ok(), Some(100_000));
    assert_eq!(
        Semantic::Phone.from_f64(0.1).map_err(|r| r.reason),
        Err(Reason::Kind)
    );
}

#[test]
fn selectors_from_text() {
    for (text, expected) in [
        ("phone:158 1291 3979", Ok("phone:+8615812913979")),
        ("15812913979", Ok("phone:+8615812913979")),
        ("id: 11010519491231002x", Ok("id:11010519491231002X")),
        ("11010519491231002x", Ok("id:11010519491231002X")),
        (
            "6228018170772010000@2018-11-11",
            Ok("account:6228018170772010000@2018-11-11"),
        ),
        (
            "account:110105194912310021",
            Ok("account:110105194912310021"),
        ),
        ("110105194912310021", Err(Reason::Ambiguous)),
        ("premise：p1", Ok("premise:P1")),
        ("6228018170772010000@yesterday", Err(Reason::Form)),
        ("who", Err(Reason::Character)),
    ] {
        let got = text
            .parse::<Selector>()
            .map(|s| s.to_string())
            .map_err(|r| r.reason);
        assert_eq!(got.as_deref().map_err(|r| *r), expected, "{text}");
    }
}

#[test]
fn input_bytes_are_pinned() {
    let selector: Selector = "account:62280181@2018-11-11".parse().unwrap();
    assert_eq!(
        selector.to_input(),
        [
            &b"cordon/selector/v1\x03\x00\x0862280181\x01"[..],
            &17846_i32.to_be_bytes()
        ]
        .concat()
    );
    let codes: Vec<u8> = Semantic::ALL.iter().map(|s| s.code()).collect();
    assert_eq!(codes, (1..=11).collect::<Vec<u8>>());
}

#[test]
fn selector_hides_its_value_from_debug_and_refuses_loose_json() {
    let selector: Selector = "15812913979".parse().unwrap();
    assert!(!format!("{selector:?}").contains("1581"));
    let json = serde_json::to_string(&selector).unwrap();
    assert_eq!(json, r#"{"semantic":"phone","value":"+8615812913979"}"#);
    assert_eq!(serde_json::from_str::<Selector>(&json).unwrap(), selector);
    let loose = json.replace("+86", "");
    assert!(serde_json::from_str::<Selector>(&loose).is_err());
}

#[test]
fn period_of_instants() {
    assert_eq!(Period::of_ms(-1), Some(Period::from_day(-1)));
    assert_eq!(Period::of_ms(0), Some(Period::from_day(0)));
    let day = Period::from_day(17846);
    assert_eq!(day.to_string(), "2018-11-11");
    assert_eq!(Period::of_ms(day.end_ms() - 1), Some(day));
    assert_eq!(Period::of_ms(day.end_ms()), day.next());
    assert_eq!(Period::of_ms(i64::MAX), None);
}

fn any_semantic() -> impl Strategy<Value = Semantic> {
    prop::sample::select(&Semantic::ALL[..])
}

/// Text that is often nearly right.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9０-９ +()-]{0,24}",
        "(\\+|00)?(86)?[ -]?1[3-9][0-9]{9}",
        "[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])[0-2][0-9][0-9]{3}[0-9xX]",
        "-?[0-9]{1,12}(\\.[0-9]{0,7})?",
        "(19|20|21)[0-9]{2}[-/](0?[1-9]|1[0-2])[-/][0-3]?[0-9]([T ][0-2][0-9]:[0-5][0-9])?(Z|[+-][01][0-9]:[0-5][0-9])?",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn normalise_never_panics_and_is_idempotent(semantic in any_semantic(), raw in any_text()) {
        if let Ok(once) = semantic.normalise(&raw) {
            prop_assert_eq!(semantic.normalise(&once), Ok(once.clone()));
            let value = semantic.parse(&once).expect("canonical");
            prop_assert_eq!(matches!(value, Normal::Int(_)), semantic.is_integer());
            prop_assert_eq!(semantic.text(&value), once);
        }
    }

    #[test]
    fn selector_survives_its_bytes_text_and_json(
        semantic in any_semantic(),
        raw in any_text(),
        day in prop::option::of(-20_000_i32..80_000),
    ) {
        if let Ok(selector) = Selector::new(semantic, &raw) {
            let selector = selector.on(day.map(Period::from_day));
            prop_assert_eq!(Selector::from_input(&selector.to_input()), Some(selector.clone()));
            let json = serde_json::to_string(&selector).expect("json");
            prop_assert_eq!(&serde_json::from_str::<Selector>(&json).expect("json"), &selector);
            if !selector.value().contains('@') {
                prop_assert_eq!(selector.to_string().parse::<Selector>(), Ok(selector));
            }
        }
    }

    #[test]
    fn foreign_input_bytes_have_one_reading(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut input = SELECTOR_LABEL.to_vec();
        input.extend(bytes);
        if let Some(selector) = Selector::from_input(&input) {
            prop_assert_eq!(selector.to_input(), input);
        }
    }

    #[test]
    fn mainland_mobiles_meet_in_one_form(rest in 3_000_000_000_u64..10_000_000_000, form in 0..6) {
        let mobile = format!("1{rest}");
        let raw = match form {
            0 => mobile.clone(),
            1 => format!("+86{mobile}"),
            2 => format!("0086{mobile}"),
            3 => format!("+86 {}-{}-{}", &mobile[..3], &mobile[3..7], &mobile[7..]),
            4 => format!("{} {} {} ", &mobile[..3], &mobile[3..7], &mobile[7..]),
            _ => mobile.chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).expect("digit")).collect(),
        };
        prop_assert_eq!(Semantic::Phone.normalise(&raw), Ok(format!("+86{mobile}")));
    }
}
