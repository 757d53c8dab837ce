//! The scenes of a draft.

use std::collections::BTreeSet;

use docket::body::Scene;

use crate::{
    api::types::DraftWarrant,
    error::{Error, Result},
};

/// A draft's scenes, sorted and once; each inside the window.
pub(super) fn scenes_of(draft: &DraftWarrant) -> Result<Vec<Scene>> {
    let mut scenes = BTreeSet::new();
    for (place, scene) in draft.scenes.iter().enumerate() {
        let inside = scene.from_ms < scene.to_ms
            && scene.from_ms >= draft.window_from_ms
            && scene.to_ms <= draft.window_to_ms;
        if !inside {
            let detail = format!("scene {} is empty, or outside the window", place + 1);
            return Err(Error::refused("scene", detail)
                .advise("a scene begins before it ends, within the warrant's window"));
        }
        if scene
            .cell
            .is_some_and(|cell| !(0..=i64::from(u32::MAX)).contains(&cell))
        {
            let detail = format!("scene {}: a cell is a number from 0 on", place + 1);
            return Err(Error::refused("scene", detail));
        }
        scenes.insert(Scene {
            cell: scene.cell,
            from_ms: scene.from_ms,
            to_ms: scene.to_ms,
        });
    }
    Ok(scenes.into_iter().collect())
}
