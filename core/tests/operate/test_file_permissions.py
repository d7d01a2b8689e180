"""New files are private; files that others can read are named."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from famulus.cli.declarations.export import export
from famulus.cli.declarations.review import examine
from famulus.model.database import Database
from famulus.model.location import locate
from famulus.model.schema import Migration, PluginSchema
from famulus.operate.doctor.file_permissions import of_files, shared_files
from famulus.testing import run_command
from famulus.testing.forms import Attachment
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.transports import received_file

STEPS = (
    Migration(number=1, sqlite=("CREATE TABLE a (b)",), postgresql=("CREATE TABLE a (b)",)),
    Migration(number=2, sqlite=("CREATE TABLE c (d)",), postgresql=("CREATE TABLE c (d)",)),
)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize(("shared", "file", "folder"), [(0, 0o600, 0o700), (0o40, 0o640, 0o750)])
def test_what_is_taken_out_of_a_database_is_shared_as_it_is(
    tmp_path: Path, umask: int, shared: int, file: int, folder: int
) -> None:
    """Answers of people are as private in a copy as in the database."""
    address = tmp_path / "famulus.db"
    with Database(address) as database:
        use(database)
        address.chmod(0o600 | shared)

    for command in (
        (export, "rows", "-o", tmp_path / "out.csv", "--files"),
        (examine, "rows", "--html", tmp_path / "pages/new"),
    ):
        done = run_command(*command, database=address)
        assert done.exit_code == 0, done.output

    made = [tmp_path / "out.csv", *(tmp_path / "out_files").rglob("*"), tmp_path / "out_files"]
    made += [tmp_path / "pages", *(tmp_path / "pages").rglob("*")]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert len(modes) == 7
    assert modes == {path: folder if path.is_dir() else file for path in made}


def use(database: Database) -> None:
    """Leave every kind of file: a key, an upload, a backup, locks and logs."""
    assert database.location.path is not None
    if not database.exists or not database.location.path.stat().st_size:
        database.prepare([PluginSchema(name="shop", migrations=STEPS[:1])])
    database.prepare([PluginSchema(name="shop", migrations=STEPS)])
    gateway = ManualOperator(database, plugins=kit_plugins()).launch_rows([{"n": 1}])
    worker = GatewayWorker(gateway, "x")
    page = worker.arrive()
    file = Attachment(field="photo", filename="a.png", content_type="image/png", content=b"1")
    received = received_file(file, gateway.upload_folder / "one")
    received.path.chmod(0o600)
    assert worker.submit(page, files=[received]).status == 200


def modes(folder: Path) -> dict[str, int]:
    paths = [folder, *folder.rglob("*")]
    return {str(path): stat.S_IMODE(path.stat().st_mode) for path in paths}


def test_new_files_are_private_under_any_umask(
    tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAMULUS_SECRET_KEY", raising=False)
    home = tmp_path / "new" / "below"
    with Database(home / "a.db") as database:
        use(database)
        found = modes(tmp_path / "new")
        assert not [*of_files(database.location)]
        assert shared_files(database.location) is None

    names = {path.removeprefix(f"{home}/") for path in found}
    assert {"a.db", "a.db-wal", "a.db-shm", "a.db-lock", "a.db-key", "a.db-backup-shop-1"} <= names
    wrong = {
        path: oct(mode)
        for path, mode in found.items()
        if mode != (0o700 if Path(path).is_dir() else 0o600)
    }
    assert not wrong


def test_a_database_that_exists_keeps_its_mode_and_shares_what_is_beside_it(
    tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAMULUS_SECRET_KEY", raising=False)
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o2770)
    (folder / "a.db").touch()
    (folder / "a.db").chmod(0o660)
    with Database(folder / "a.db") as database:
        use(database)
        found = modes(folder)

    key = found.pop(str(folder / "a.db-key"))
    assert key == 0o640
    wrong = {
        path: oct(mode)
        for path, mode in found.items()
        if mode != (0o2770 if Path(path).is_dir() else 0o660)
    }
    assert not wrong


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the folders above the test's own count as open to all."""
    from famulus.operate.doctor import file_permissions

    real = file_permissions._mode
    monkeypatch.setattr(
        file_permissions, "_mode", lambda path: real(path) | (0o111 if path.is_dir() else 0)
    )


@pytest.mark.usefixtures("reachable")
def test_doctor_names_files_that_all_users_or_a_group_can_read(tmp_path: Path) -> None:
    with Database(tmp_path / "a.db") as database:
        database.write(lambda _: None)
        (tmp_path / "a.db").chmod(0o644)

        (difference,) = of_files(database.location)
        assert "a.db (0644)" in difference.what
        assert difference.advice == f"chmod o= {tmp_path}/a.db"
        (tmp_path / "a.db").chmod(0o660)
        assert not [*of_files(database.location)]
        assert "can read" in str(shared_files(database.location))
        assert "a.db (0660)" in str(shared_files(database.location))


@pytest.mark.usefixtures("reachable")
def test_doctor_names_what_lies_beside_a_database_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path / "files"))
    location = locate("postgresql://u@127.0.0.1:9/name")
    dump = tmp_path / "files-backup-core-3.dump"
    for path, mode in ((dump, 0o644), (location.files, 0o755)):
        path.mkdir() if path == location.files else path.touch()
        path.chmod(mode)

    (difference,) = of_files(location)

    assert f"{location.files} (0755), {dump} (0644)" in difference.what


def test_files_in_a_folder_that_is_closed_to_others_are_not_exposed(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    with Database(folder / "a.db") as database:
        database.write(lambda _: None)
        (folder / "a.db").chmod(0o666)

        assert not [*of_files(database.location)]


def as_user(user: int, group: int, work: Callable[[], None]) -> int:
    """Run something as another user; return the exit status."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([group])
            os.setgid(user)  # its own first group, as accounts have one
            os.setuid(user)
            os.umask(0o077)
            work()
            status = 0
        except BaseException:  # noqa: BLE001 - nothing may leave the child
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_two_users_of_a_group_share_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAMULUS_SECRET_KEY", raising=False)
    server, operator, group = 60_001, 60_002, 60_003
    folder = Path(tempfile.mkdtemp(prefix="famulus-shared-"))
    file = folder / "a.db"
    file.touch()
    for path, mode in ((folder, 0o2770), (file, 0o660)):
        os.chown(path, 0, group)
        path.chmod(mode)

    def work() -> None:
        with Database(file) as database:
            use(database)

    def read() -> None:
        with Database(file) as database:
            assert database.signing_keys
            for upload in database.files.rglob("*"):
                assert upload.is_dir() or upload.read_bytes()
            use(database)

    try:
        for user, job in ((server, work), (operator, read), (server, read)):
            assert as_user(user, group, job) == 0
    finally:
        shutil.rmtree(folder)
