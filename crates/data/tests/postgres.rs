//! The same rows from a real PostgreSQL server, which the test starts itself.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/common.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{resident, take, write};
use data::{DatasetSpec, ErrorKind, PostgresUrl, Source, city};

const MISSING: &str = "PostgreSQL's server programs are missing: apt-get install -y postgresql";

/// A server of its own in a folder of its own, on a Unix socket only.
struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Server {
    fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new()
            .prefix("pg")
            .tempdir_in("/tmp")
            .unwrap();
        let server = Self { folder, programs };
        if is_root() {
            // The server refuses to run as root; any other user will do.
            run(Command::new("chown")
                .arg("-R")
                .arg("nobody")
                .arg(server.folder.path()));
        }
        let data = server.folder.path().join("data");
        let initdb = [
            "-A",
            "trust",
            "-U",
            "cordon",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
            "-D",
        ];
        run(server.command("initdb").args(initdb).arg(&data));
        let settings = format!(
            "-c listen_addresses='' -c fsync=off -k '{}'",
            server.folder.path().display()
        );
        run(server
            .command("pg_ctl")
            .args(["-w", "-o", &settings, "-l"])
            .arg(server.folder.path().join("log"))
            .arg("-D")
            .arg(&data)
            .arg("start"));
        server
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "nobody", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }

    fn url(&self) -> PostgresUrl {
        PostgresUrl(format!(
            "host={} user=cordon dbname=postgres",
            self.folder.path().display()
        ))
    }

    fn source(&self, table: &str, order_by: &[&str]) -> Source {
        Source::Postgres {
            url: self.url(),
            table: table.to_owned(),
            order_by: order_by.iter().map(|c| (*c).to_owned()).collect(),
        }
    }

    async fn execute(&self, sql: &str) {
        let (client, connection) = tokio_postgres::connect(&self.url().0, tokio_postgres::NoTls)
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.folder.path().join("data");
        let _ = self
            .command("pg_ctl")
            .args(["-m", "immediate", "-D"])
            .arg(data)
            .arg("stop")
            .output();
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The newest installed server, as Debian and others lay it out, or what is on the path.
fn programs() -> PathBuf {
    let mut found: Vec<PathBuf> = Vec::new();
    for root in [
        "/usr/lib/postgresql",
        "/usr/pgsql",
        "/opt/homebrew/opt/postgresql",
    ] {
        for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
            found.push(entry.path().join("bin"));
        }
    }
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    found.extend(std::env::split_paths(&on_path));
    found.retain(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file());
    found.sort();
    found.pop().expect(MISSING)
}

fn run(command: &mut Command) {
    // No pipes: the server would inherit them, and waiting for their end would not end.
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = command.status().expect(MISSING);
    assert!(status.success(), "{command:?}");
}

fn csv_of(rows: usize) -> String {
    let mut csv = String::from("phone,holder,id_number\n");
    for i in 0..rows {
        let id = resident(&format!("431321{}0721583", 1950 + i % 49));
        let id = if i % 10 == 0 { String::new() } else { id };
        csv.push_str(&format!("138{i:08},\"Holder, {i}\",{id}\n"));
    }
    csv
}

async fn root_of(spec: &DatasetSpec, folder: &Path) -> primitives::Digest {
    let taken = take(spec, folder).await.unwrap();
    assert_eq!(taken.report().rejected, []);
    assert_eq!(taken.recompute_root().unwrap(), taken.report().root);
    taken.report().root
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_table_gives_the_csv_files_root() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let csv = csv_of(20_000);
    let file = write(dir.path(), "subscribers.csv", &csv);
    let expected = root_of(
        &city::subscribers("telecom_a", Source::file(file)),
        &dir.path().join("csv"),
    )
    .await;

    server
        .execute(
            "CREATE SCHEMA tel; CREATE TABLE tel.\"Subs\" (n serial primary key, phone bigint, holder text, id_number char(18))",
        )
        .await;
    let mut insert = String::from("INSERT INTO tel.\"Subs\" (phone, holder, id_number) VALUES ");
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    for (i, record) in reader.records().enumerate() {
        let record = record.unwrap();
        let comma = if i == 0 { "" } else { "," };
        let id = if record[2].is_empty() {
            "NULL".to_owned()
        } else {
            format!("'{}'", &record[2])
        };
        insert.push_str(&format!("{comma}({},'{}',{id})", &record[0], &record[1]));
    }
    server.execute(&insert).await;
    let physical = city::subscribers("telecom_a", server.source("tel.Subs", &[]));
    assert_eq!(root_of(&physical, &dir.path().join("pg")).await, expected);

    // An update moves a row to the table's end; a named order brings it back.
    server
        .execute("UPDATE tel.\"Subs\" SET holder = holder WHERE n = 5")
        .await;
    let ordered = city::subscribers("telecom_a", server.source("tel.Subs", &["n"]));
    assert_eq!(
        root_of(&ordered, &dir.path().join("ordered")).await,
        expected
    );

    let manifest = std::fs::read_to_string(dir.path().join("ordered/snapshot.json")).unwrap();
    assert!(
        !manifest.contains("user=cordon"),
        "a snapshot holds the database's URL"
    );
    assert!(!format!("{ordered:?}").contains("user=cordon"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_of_the_server_are_read_as_meant() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    server
        .execute(
            "CREATE TABLE transfers (from_account numeric(20), from_bank text, to_account text, to_bank text, \
               amount_cny numeric(18,2), at timestamptz, kind text); \
             SET TimeZone = 'Asia/Shanghai'; \
             INSERT INTO transfers VALUES (6228015562164110697, 'bank_a', ' 6228 0417', 'bank_d', 1315.7, \
               '2018-11-11 08:08:57.25', NULL), (12345678, NULL, '87654321', NULL, -5, '2018-11-12 08:00', 'x')",
        )
        .await;
    let csv = write(
        dir.path(),
        "t.csv",
        "from_account,from_bank,to_account,to_bank,amount_cny,at,kind\n\
         6228015562164110697,bank_a,62280417,bank_d,1315.70,2018-11-11T00:08:57.250Z,\n\
         12345678,,87654321,,-5.00,2018-11-12T00:00:00Z,x\n",
    );
    let expected = root_of(
        &city::transfers("bank_a", Source::file(csv)),
        &dir.path().join("csv"),
    )
    .await;
    let spec = city::transfers("bank_a", server.source("transfers", &[]));
    assert_eq!(root_of(&spec, &dir.path().join("pg")).await, expected);

    let missing = city::transfers("bank_a", server.source("nothing", &[]));
    let error = take(&missing, &dir.path().join("none"))
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("42P01"), "{error}");
    assert!(matches!(
        error.kind(),
        ErrorKind::Trouble { retry: false, .. }
    ));
    let unknown = city::subscribers("bank_a", server.source("transfers", &[]));
    let error = take(&unknown, &dir.path().join("none"))
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("42703"), "{error}");
    assert!(!dir.path().join("none").exists());
}

#[tokio::test]
async fn no_server_is_trouble_to_retry_and_hides_the_password() {
    let dir = tempfile::tempdir().unwrap();
    let url = PostgresUrl(format!(
        "host={} user=u password=secret-word",
        dir.path().display()
    ));
    let source = Source::Postgres {
        url,
        table: "t".into(),
        order_by: vec![],
    };
    let error = take(
        &city::subscribers("telecom_a", source),
        &dir.path().join("s"),
    )
    .await
    .err()
    .unwrap();
    assert!(matches!(
        error.kind(),
        ErrorKind::Trouble { retry: true, .. }
    ));
    assert!(!format!("{error} {error:?}").contains("secret-word"));
}
