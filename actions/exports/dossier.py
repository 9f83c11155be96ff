"""One archive of a cycle that outsiders can check without us: results, law, mail, audit and the whole trail."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from actions.exports.files import Exported, exported
from actions.exports.tables import write_csv
from actions.mail.letters import certificate
from models import Agency, AuditDraw, AuditPlan, Chain, Checkpoint, Cycle, TrailEntry
from private_files import replacing
from rules.proof.chain import ZERO

VERIFIERS = Path(__file__).parents[2] / "deploy"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive knows: the same files are the same bytes whenever they are packed."""
README = """\
Berkas siklus {year}, {agency}
Periksa keutuhannya tanpa aplikasi: python3 verify_dossier.py {name} DIGEST
DIGEST ialah sidik jari yang dicatat dalam berita acara ketika berkas ini dibuat.
Berkas ini memuat data pribadi: simpan seperti arsip kepegawaian lain.

Dossier of the {year} cycle, {agency}
Check it without the application: python3 verify_dossier.py {name} DIGEST
DIGEST is the fingerprint that was written into the minutes when the dossier was made.
It holds personal data: keep it like other personnel files.

results.csv        hasil setiap pegawai / the result of each employee
policy-pack.json   aturan yang berlaku / the rules that were law for this cycle
mail.json          apa yang dikirim / what was mailed, and what was not
trail.jsonl        setiap perubahan, berantai / every change, chained
checkpoints.json   ujung rantai pada waktunya / heads of the chain at their times
audit/             rencana, kerangka, benih, undian / plan, frame, seed, draws
manifest.json      sidik jari setiap berkas / the fingerprint of each file
"""


def write_dossier(session: Session, cycle_id: int, path: Path, *, at: datetime) -> Exported:
    """Write the archive; its digest is that of the manifest. ExportRefused before the cycle is final.

    The trail is the agency's from its first entry, for a chain has no middle; what entries say is told of this cycle's
    time alone.
    """
    cycle = session.get_one(Cycle, cycle_id)
    agency = session.get_one(Agency, cycle.agency_id)
    draws: list[dict[str, Any]] = []
    with replacing(path) as beside, TemporaryDirectory() as scratch:
        folder = Path(scratch)
        written = write_csv(session, cycle_id, folder / "results.csv")
        trail = _trail(session, agency.id, cycle.launched_at, folder / "trail.jsonl")
        _put(folder / "policy-pack.json", cycle.pack)
        mail = certificate(session, cycle_id=cycle_id)
        _put(folder / "mail.json", _json({**asdict(mail), "open": mail.open, "clean": mail.clean}))
        _put(folder / "checkpoints.json", _json(_checkpoints(session, agency.id, trail["length"])))
        _put(folder / "README.txt", README.format(agency=agency.name, year=cycle.year, name=path.name))
        for plan in session.scalars(select(AuditPlan).filter_by(cycle_id=cycle_id).order_by(AuditPlan.attempt)):
            draws += _audit(session, plan, folder / "audit" / str(plan.attempt))
        for name in ("verify_dossier.py", "verify_draw.py"):
            _put(folder / name, (VERIFIERS / name).read_text("utf-8"))
        names = sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())
        manifest = {
            "agency": agency.code, "year": cycle.year, "made_at": at.isoformat(), "trail": trail, "draws": draws,
            "policy": {"pack": cycle.pack_name, "version": cycle.pack_version, "sha256": cycle.pack_sha256},
            "counts": written.counts, "files": {name: exported(folder / name, 0, {}, False).sha256 for name in names},
        }  # fmt: skip
        _put(folder / "manifest.json", _json(manifest))
        _pack(beside, folder, [*names, "manifest.json"])
        digest = sha256((folder / "manifest.json").read_bytes()).hexdigest()
    return Exported(path, written.rows, digest, {**written.counts, "trail entries": trail["length"]}, draft=False)


def _pack(archive: Path, folder: Path, names: list[str]) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            with (folder / name).open("rb") as source, packed.open(entry, "w") as target:
                while block := source.read(1 << 20):
                    target.write(block)


def _trail(session: Session, agency_id: int, since: datetime, path: Path) -> dict[str, Any]:
    head, length = ZERO, 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in _entries(session, agency_id):
            line: dict[str, Any] = {"event": json.loads(entry.event), "hash": entry.hash}
            if entry.at >= since and entry.salt is not None:
                line |= {"content": entry.content, "salt": entry.salt.hex()}
            file.write(json.dumps(line, sort_keys=True, ensure_ascii=False) + "\n")
            head, length = entry.hash, entry.seq
    return {"length": length, "head": head}


def _entries(session: Session, agency_id: int) -> Iterator[TrailEntry]:
    mine = select(TrailEntry).join(Chain, Chain.id == TrailEntry.chain_id).where(Chain.agency_id == agency_id)
    yield from session.scalars(mine.order_by(TrailEntry.seq).execution_options(yield_per=1000))


def _checkpoints(session: Session, agency_id: int, length: int) -> list[dict[str, Any]]:
    mine = select(Checkpoint).join(Chain, Chain.id == Checkpoint.chain_id).where(Chain.agency_id == agency_id)
    return [
        {"length": one.length, "head": one.head, "occasion": one.occasion, "at": one.at.isoformat()}
        for one in session.scalars(mine.where(Checkpoint.length <= length).order_by(Checkpoint.length))
    ]


def _audit(session: Session, plan: AuditPlan, folder: Path) -> list[dict[str, Any]]:
    """Write what was published of an audit; how each of its draws is done again."""
    folder.mkdir(parents=True)
    if plan.roster is not None and plan.plan is not None:
        (folder / "roster.csv").write_bytes(plan.roster)
        (folder / "plan.json").write_bytes(plan.plan)
    facts = {
        "attempt": plan.attempt, "published_at": _iso(plan.published_at), "published_where": plan.published_where,
        "seed": plan.seed, "seed_minutes": plan.seed_minutes, "seed_recorded_at": _iso(plan.seed_recorded_at),
        "annulled_at": _iso(plan.annulled_at), "annulled_reason": plan.annulled_reason, "statement": plan.statement,
        "reconciliation": plan.reconciliation,
    }  # fmt: skip
    _put(folder / "audit.json", _json(facts))
    if plan.seed is None:
        return []
    here = f"audit/{plan.attempt}"
    return [
        {"arguments": [f"{here}/roster.csv", f"{here}/plan.json", plan.seed, str(draw.stage_no)],
         "draw_sha256": draw.draw_sha256}
        for draw in session.scalars(select(AuditDraw).filter_by(plan_id=plan.id).order_by(AuditDraw.stage_no))
    ]  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _json(what: Any) -> str:
    return json.dumps(what, indent=1, sort_keys=True, ensure_ascii=False, default=str) + "\n"


def _put(path: Path, text: str) -> None:
    path.write_text(text, "utf-8", newline="\n")
