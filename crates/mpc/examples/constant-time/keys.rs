//! Fields and oblivious functions.

use mpc::{
    Element, PlanKey, TableKey,
    field::{F128, inner_product, polynomial_hash},
    oprf,
};

use crate::mark::{Secrets, hidden, shown};

pub(crate) fn field() {
    let mut rng = Secrets::new(1);
    let elements: Vec<F128> = (0..70).map(|_| F128::random(&mut rng)).collect();
    let point = F128::random(&mut rng);
    let product = elements[0] * point;
    let sum = inner_product(&elements[1..], &elements[..69]);
    let hash = polynomial_hash(&elements, point);
    let all = [product, sum, hash].map(|element| shown(element.to_bytes()));
    assert!(all.iter().all(|bytes| *bytes != [0; 16]));
}

pub(crate) fn oprf() {
    let mut rng = Secrets::new(2);
    let table = TableKey::draw(&mut rng);
    let kept = TableKey::from_bytes(&table.to_bytes()).unwrap();
    let derived = TableKey::derive(&hidden([3; 32]), b"info").unwrap();
    let plan = PlanKey::draw(&mut rng);
    let step = plan.for_step(4);
    let public: Vec<Element> = vec![
        table.public(),
        kept.public(),
        derived.public(),
        plan.commitment(&table),
        step.commitment(&table),
    ];
    assert!(public[0] == public[1] && public[0] != public[2]);
    let input = hidden(*b"phone:+431234567");
    let (blind, element) = oprf::blind(&input, &mut rng).unwrap();
    oprf::check_blind(&input, &blind, &element).unwrap();
    oprf::check_blind(&hidden(*b"phone:+431234568"), &blind, &element).unwrap_err();
    let kept = mpc::Blind::from_bytes(&blind.to_bytes()).unwrap();
    assert!(oprf::blind_with(&input, &kept).unwrap() == element);
}
