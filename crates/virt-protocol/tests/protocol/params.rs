//! Typed parameters: the map, the list and the types.

use virt_protocol::TypedParams;
use virt_protocol::remote::TypedParamValue;
use virt_xdr::{from_slice, to_vec};

#[test]
fn the_first_of_a_name_is_found_and_all_are_kept_in_order() {
    let params = TypedParams::new()
        .with("a", 1)
        .with("b", "text")
        .with("a", 2);
    assert_eq!(params.get::<i32>("a"), Ok(Some(1)));
    assert_eq!(params.get::<&str>("b"), Ok(Some("text")));
    let names: Vec<_> = params.iter().map(|param| param.field.as_str()).collect();
    assert_eq!(names, ["a", "b", "a"]);
    assert_eq!(params.len(), 3);
}

#[test]
fn each_type_has_its_value() {
    let params = TypedParams::new()
        .with("int", -1_i32)
        .with("uint", 1_u32)
        .with("llong", -2_i64)
        .with("ullong", 2_u64)
        .with("double", 0.5)
        .with("boolean", true)
        .with("string", "s");
    assert_eq!(params.get("int"), Ok(Some(-1_i32)));
    assert_eq!(params.get("uint"), Ok(Some(1_u32)));
    assert_eq!(params.get("llong"), Ok(Some(-2_i64)));
    assert_eq!(params.get("ullong"), Ok(Some(2_u64)));
    assert_eq!(params.get("double"), Ok(Some(0.5_f64)));
    assert_eq!(params.get("boolean"), Ok(Some(true)));
    assert_eq!(params.get("string"), Ok(Some("s".to_owned())));
    assert_eq!(params.value("double"), Some(&TypedParamValue::Double(0.5)));
}

#[test]
fn another_type_is_an_error_that_names_both() {
    let params = TypedParams::new().with("cpu_time", 5_u64);
    let error = params.get::<&str>("cpu_time").unwrap_err();
    assert_eq!(
        error.to_string(),
        "parameter cpu_time is a ullong, not a string"
    );
    assert_eq!(params.get::<&str>("cpu"), Ok(None));
}

#[test]
fn the_wire_has_name_type_and_value() {
    let param = TypedParams::new().with("a", 2_u64).0.remove(0);
    let wire = b"\0\0\0\x01a\0\0\0\0\0\0\x04\0\0\0\0\0\0\0\x02";
    assert_eq!(to_vec(&param).unwrap(), wire);
    assert_eq!(
        from_slice::<virt_protocol::remote::TypedParam>(wire).unwrap(),
        param
    );
}
