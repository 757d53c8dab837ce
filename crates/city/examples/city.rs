//! Makes a city and says how long it took: `city SEED PEOPLE DIR`.

use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [seed, people, dir] = args.as_slice() else {
        return Err("usage: city SEED PEOPLE DIR".into());
    };
    let config = city::Config::new(seed.parse()?, people.parse()?, dir);
    let (start, mut stage) = (Instant::now(), None);
    let truth = city::generate(&config, &mut |now| {
        if stage != Some(now.stage) {
            println!(
                "{:>7.1} s  {}",
                start.elapsed().as_secs_f64(),
                now.stage.as_str()
            );
            stage = Some(now.stage);
        }
    })?;
    println!(
        "{:>7.1} s  done: {:?}",
        start.elapsed().as_secs_f64(),
        truth.counts
    );
    Ok(())
}
