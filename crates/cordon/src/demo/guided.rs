//! `cordon demo` on a terminal: the case up to where a person must choose, then the
//! console in the browser, with a seat for everybody and a tour of the roles.
//!
//! What is left to the user, each in another seat: an answer to open, a bank's
//! decision on a question, a second draft to issue, narrow or refuse.
//!
//! *Invariants*: nothing is decided for a seat that the page offers; a browser that
//! does not open is no failure, since the link is shown.
//!
//! *Not here*: TLS and other machines. Browsers make passkeys at `localhost`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{Options, begin, case, console, network::Network, scene::Scene, stage::Stage};
use crate::{
    failure::{Failure, Result},
    output::Out,
    stop::Stop,
};

/// Plays up to the user's choice, opens the console, and holds the network.
///
/// # Errors
/// What a node refuses or where it fails.
pub(super) fn play(
    options: &Options,
    out: &Out,
    stage: &mut Stage,
    scene: &Scene,
    network: &Network,
    stop: &Stop,
) -> Result<()> {
    begin(stage, scene, network, stop)?;
    let left = case::play_to_choice(stage, scene, network, stop)?;
    let seats = stage.step(
        "seats",
        "make seats at the console",
        "准备控制台席位",
        |stage| console::invite(scene, network, stage),
    )?;
    let link = link(network, &seats, &left)?;
    stage.plain("");
    stage.say(
        &format!(
            "your choice now: a judge's on a second draft, {}'s on a question, an answer to open",
            left.undecided
        ),
        &format!(
            "现在由您选择：审批官对第二份申请的决定、{} 对查询的决定、开启一份答案",
            left.undecided
        ),
    );
    let opened = !options.no_browser && open::that_detached(&link).is_ok();
    if opened {
        stage.say(
            "the console opens in your browser; if it does not, open this link:",
            "控制台将在浏览器中打开；若未打开，请打开此链接：",
        );
    } else {
        stage.say("open this link in a browser:", "请在浏览器中打开此链接：");
    }
    stage.plain(&format!("  {link}"));
    stage.say("Ctrl-C stops everything", "按 Ctrl-C 停止");
    out.value(&json!({
        "link": link,
        "seats": seats,
        "network": network.id(),
        "left": left,
    }))?;
    console::until_stopped(stage, network, stop)
}

/// The page that offers the seats. What it needs stands behind the `#`, which a
/// browser sends to nobody.
fn link(network: &Network, seats: &[console::Seat], left: &case::Left) -> Result<String> {
    let first = seats
        .first()
        .ok_or_else(|| Failure::fault("seats", "nobody has a seat"))?;
    let operator = network
        .home(&first.institution_id()?)?
        .join("operator.token");
    let stage = json!({ "seats": seats, "left": left, "operator_token": operator });
    let text = serde_json::to_vec(&stage).map_err(|error| Failure::trouble("json", error))?;
    let packed = URL_SAFE_NO_PAD.encode(text);
    Ok(format!("{}/#/stage/{packed}", first.origin()))
}
