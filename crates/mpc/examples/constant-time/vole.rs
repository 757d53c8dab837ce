//! Silent VOLE: both roles, from base transfers to the relation.

use mpc::{
    field::F128,
    vole::{Code, Params, Receiver, Sender},
};

use crate::mark::{Secrets, sent, shown};

const SESSION: [u8; 32] = [1; 32];

/// The narrow one does all that the wide one does, and corrects the noise besides; the
/// conservative code has fewer trees.
pub(crate) fn vole() {
    let params = Params {
        len: 200,
        code: Code::Conservative,
    };
    let (mut ours, mut theirs) = (Secrets::new(3), Secrets::new(4));
    let sender = Sender::new_narrow(SESSION, params).unwrap();
    let (receiver, message) = Receiver::start_narrow(SESSION, params, &mut theirs).unwrap();
    let (sender, message) = sender.on_offer(&sent(message), &mut ours).unwrap();
    let (receiver, message) = receiver.on_choices(&sent(message), &mut theirs).unwrap();
    let (sender, message) = sender.on_corrections(&sent(message), &mut ours).unwrap();
    let (receiver, message) = receiver.on_challenge(&sent(message)).unwrap();
    let (sender, message) = sender.on_response(&sent(message), &mut ours).unwrap();
    let (receiver, message) = receiver.on_trees(&sent(message), &mut theirs).unwrap();
    let (sender, message) = sender.on_inquiry(&sent(message)).unwrap();
    let receiver = receiver.on_proof(&sent(message)).unwrap();
    let due = |at: usize| receiver.a[at] * sender.delta + sender.b[at];
    for at in 0..params.len {
        let difference: F128 = due(at) + receiver.c[at];
        assert_eq!(shown(difference.to_bytes()), [0; 16]);
    }
}
