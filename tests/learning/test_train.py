"""Training as a job: it learns, repeats to the last bit, goes on after kill -9, and stops on what cannot go on."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from app.jobs import run_to_end
from app.learning import descriptor, heads, losses, mining, model_store, networks, towers
from app.learning.judge import judged_group, judged_rows
from app.learning.patch_evaluation import other_rows, paired_distances
from app.learning.patch_set import PatchSet, split
from app.learning.run_file import put_network
from app.learning.tensor_file import read_tensors, write_tensors
from app.learning.train import JUDGE_SHARE, TrainResult, train
from app.learning.train_settings import TrainSettings, margin_of, rate_at
from app.learning.train_state import CurveLog, Curves, Judgement, TrainSnapshot, collapse_lamp
from app.records import UserError

QUICK = TrainSettings(network="tiny", batch=16, epochs=2, threads=1)


def stripes(classes: int = 96, each: int = 3, seed: int = 0) -> PatchSet:
    """Textures of a few waves each, seen with noise: easy to tell apart, but not without learning."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:32, 0:32] / 32
    patches = []
    for _ in range(classes):
        waves = rng.normal(0, 6, (4, 2))
        base = sum(np.sin(2 * np.pi * (a * x + b * y) + rng.uniform(0, 6)) for a, b in waves)
        for _ in range(each):
            shown = 128 + rng.uniform(15, 25) * base + rng.normal(0, 25, (32, 32)) + rng.uniform(-20, 20)
            patches.append(np.clip(shown, 0, 255).astype(np.uint8))
    point = np.repeat(np.arange(classes), each)
    return PatchSet("stripes", np.stack(patches), point, point // 12, tuple(f"s{i}" for i in range(classes // 12)))


DATA = stripes()


def same(a: TrainResult, b: TrainResult) -> bool:
    return all(np.array_equal(a.tensors[name], b.tensors[name]) for name in a.tensors)


def apart(snapshot: TrainSnapshot, which: int) -> float:
    """How near matching pairs are, relative to others: 1 = not told apart."""
    judged = snapshot.judgements[which]
    return float(judged.positive.mean() / judged.negative.mean())


def test_that_it_learns_and_shows_how() -> None:
    shown: list[TrainSnapshot] = []
    settings = TrainSettings(network="tiny", batch=32, epochs=20, threads=1)
    result = run_to_end(train(DATA, settings), lambda p: shown.append(p.payload) if p.payload is not None else None)
    last = result.snapshot
    assert result.stopped == ""
    assert last.step == last.total_steps == 20 * last.steps_per_epoch
    assert len(last.curves.loss) == last.step
    assert last.curves.loss[-5:].mean() < 0.7 * last.curves.loss[:5].mean()
    assert last.judgements[0].step == 0
    assert last.judgements[-1].step == last.step
    assert apart(last, -1) < 0.95 * apart(last, 0)
    assert last.judgements[-1].rank1 >= last.judgements[0].rank1
    assert last.judgements[-1].embedding.shape[1] == 128
    assert np.allclose(np.linalg.norm(last.judgements[-1].embedding, axis=1), 1, atol=1e-5)
    assert len(last.judgements[0].embedding) == 0  # only the newest keeps descriptors
    edges, right, wrong = last.judgements[-1].histogram()
    assert (len(edges), right.sum(), wrong.sum()) == (41, len(last.judgements[-1].positive), 10 * right.sum())
    assert last.mined is not None
    assert last.mined.patches.shape[1:] == (3, 32, 32)
    assert last.lamp.state == "off"
    assert 0 <= last.curves.active.min() <= last.curves.active.max() <= 1
    assert last.curves.possible[-1] == 64 * 1 * 62  # two patches of each of 32 points
    # A snapshot handed out is not changed by what comes later.
    early = next(snapshot for snapshot in shown if snapshot.step == 3)
    assert len(early.curves.loss) == 3 < last.step
    assert not early.curves.loss.flags.writeable


def test_that_the_same_seed_gives_the_same_weights_to_the_last_bit() -> None:
    results = [run_to_end(train(DATA, QUICK)) for _ in range(2)]
    assert same(*results)
    assert not same(results[0], run_to_end(train(DATA, TrainSettings(network="tiny", batch=16, epochs=2, seed=1))))


def test_that_looking_at_it_changes_nothing() -> None:
    """A training cut into steps by a timer gives what one run to its end gives."""
    disturbed = run_to_end(train(DATA, QUICK), lambda _: torch.rand(3))  # somebody draws from the global generator
    assert same(disturbed, run_to_end(train(DATA, QUICK)))


def test_that_an_interrupted_training_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = run_to_end(train(DATA, QUICK))
    state = tmp_path / "state.safetensors"
    job = train(DATA, QUICK, autosave=state)
    for progress in job:
        if progress.payload is not None and progress.payload.epoch == 1 and state.exists():
            job.close()
    assert state.exists()
    resumed = run_to_end(train(DATA, QUICK, autosave=state, resume=True))
    assert same(whole, resumed)
    assert np.array_equal(whole.snapshot.curves.loss, resumed.snapshot.curves.loss)
    assert [j.step for j in whole.snapshot.judgements] == [j.step for j in resumed.snapshot.judgements]


CHILD = """
import sys
from pathlib import Path
from app.jobs import run_to_end
from app.learning.run_file import put_network
from app.learning.tensor_file import read_tensors, write_tensors
from app.learning.train import train
from tests.learning.test_train import DATA, QUICK
run_to_end(train(DATA, QUICK, autosave=Path(sys.argv[1])), lambda p: print(p.payload and p.payload.epoch, flush=True))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_that_training_goes_on_after_kill_9(tmp_path: Path, project_root: Path) -> None:
    state = tmp_path / "state.safetensors"
    command = [sys.executable, "-c", CHILD, str(state)]
    with subprocess.Popen(command, cwd=project_root, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip() == "1" and state.exists():
                os.kill(child.pid, signal.SIGKILL)
                break
    assert child.returncode == -signal.SIGKILL
    resumed = run_to_end(train(DATA, QUICK, autosave=state, resume=True))
    assert same(run_to_end(train(DATA, QUICK)), resumed)
    assert [file.name for file in tmp_path.iterdir()] == ["state.safetensors"]


def test_that_a_state_of_another_training_or_a_torn_one_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state.safetensors"
    run_to_end(train(DATA, QUICK, autosave=state))
    other = TrainSettings(network="tiny", batch=32, epochs=2, threads=1)
    with pytest.raises(UserError, match="another batch"):
        run_to_end(train(DATA, other, autosave=state, resume=True))
    with pytest.raises(UserError, match="other data"):
        run_to_end(train(stripes(seed=1), QUICK, autosave=state, resume=True))
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(UserError, match="damaged"):
        run_to_end(train(DATA, QUICK, autosave=state, resume=True))


def test_that_a_full_disk_stops_nothing_and_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.learning import run_file

    def full(*_: object) -> None:
        raise UserError("Cannot write it: No space left on device.")

    monkeypatch.setattr(run_file, "write_tensors", full)
    result = run_to_end(train(DATA, QUICK, autosave=tmp_path / "state.safetensors"))
    assert "No space left" in result.snapshot.note
    assert "Training goes on" in result.snapshot.note


@pytest.mark.parametrize("loss", ["hardnet", "triplet"])
def test_that_a_loss_that_is_not_a_number_keeps_the_last_good_epoch(loss: str, monkeypatch: pytest.MonkeyPatch) -> None:
    good: list[dict[str, np.ndarray]] = []
    from app.learning import run_file

    original = run_file.network_tensors

    def remembered(network: torch.nn.Module) -> dict[str, np.ndarray]:
        good.append(original(network))
        return good[-1]

    monkeypatch.setattr(run_file, "network_tensors", remembered)
    real = networks.embed
    calls = [0]

    def breaking(tower: torch.nn.Module, patches: torch.Tensor) -> torch.Tensor:
        calls[0] += tower.training
        value = real(tower, patches)
        return value * float("nan") if calls[0] == 8 else value

    monkeypatch.setattr(networks, "embed", breaking)
    settings = TrainSettings(network="tiny", batch=16, epochs=4, loss=loss, miner="hardest", threads=1)
    result = run_to_end(train(DATA, settings))
    assert "not a number after step 7" in result.stopped
    assert "network of epoch 1" in result.stopped
    assert all(np.isfinite(value).all() for value in result.tensors.values())
    assert all(np.array_equal(result.tensors[name], value) for name, value in good[-1].items())


def test_that_margins_that_can_never_be_met_are_refused() -> None:
    for loss, most in (("triplet", 4), ("hardnet", 2), ("contrastive", 2)):
        with pytest.raises(UserError, match=f"can never be met.* ends at {most}"):
            next(train(DATA, TrainSettings(loss=loss, margin=most + 0.5)))
    assert margin_of(TrainSettings(loss="triplet")) == 0.2
    assert margin_of(TrainSettings(loss="triplet", margin=0.4)) == 0.4


def test_that_too_small_a_set_is_refused() -> None:
    with pytest.raises(UserError, match="the batch needs 256"):
        next(train(DATA, TrainSettings(batch=256)))


@pytest.mark.parametrize("loss", ["contrastive", "contrastive-hadsell", "contrastive-linear", "lifted", "triplet"])
def test_that_every_loss_trains(loss: str) -> None:
    settings = TrainSettings(network="tiny", loss=loss, miner="semi-hard", batch=32, epochs=16, threads=1)
    last = run_to_end(train(DATA, settings)).snapshot
    assert apart(last, -1) < apart(last, 0)
    assert np.isfinite(last.curves.loss).all()


@pytest.mark.parametrize("design", ["embedding", "head", "joint"])
def test_that_what_is_judged_after_a_few_steps_is_what_was_trained(design: str) -> None:
    """Weights hardly move at this rate, so statistics of the whole set are known: those of the first batches agree."""
    settings = TrainSettings(network="tiny", design=design, miner="random", batch=32, epochs=2, rate=1e-6, threads=1)
    result = run_to_end(train(DATA, settings))
    assert result.snapshot.step < 10
    network = (
        networks.make_tower(towers.PLANS["tiny"])
        if design == "embedding"
        else heads.make_decider(design, towers.PLANS["tiny"])
    )
    put_network(network, result.tensors)
    patches = networks.as_input(DATA.patches)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        network.train()
        _ = (
            network(patches, patches)
            if design == "joint"
            else networks.embed(getattr(network, "tower", network), patches)
        )
    whole = network.state_dict()
    for name in (n for n in whole if n.endswith("running_var")):
        assert float(np.median(result.tensors[name] / whole[name].numpy())) == pytest.approx(1, abs=0.2), name


def test_that_distance_weighted_negatives_are_not_the_easy_ones() -> None:
    settings = TrainSettings(network="tiny", loss="triplet", batch=32, epochs=2, threads=1)
    active = {}
    for miner in ("random", "distance-weighted"):
        curves = run_to_end(train(DATA, replace(settings, miner=miner))).snapshot.curves
        active[miner] = float(curves.active.mean())
    assert active["distance-weighted"] > active["random"] + 0.05


def test_that_the_second_order_does_not_touch_what_a_joint_network_decides() -> None:
    """Its numbers are of pairs, matching ones and then others: asked to lie alike, they would no longer decide."""
    settings = TrainSettings(network="tiny", design="joint", miner="random", batch=16, epochs=1, threads=1)
    plain = run_to_end(train(DATA, settings))
    assert same(plain, run_to_end(train(DATA, replace(settings, second_order=1.0))))
    head = replace(settings, design="head")
    assert not same(run_to_end(train(DATA, head)), run_to_end(train(DATA, replace(head, second_order=1.0))))


def test_that_pulling_alone_collapses_and_the_lamp_says_so() -> None:
    settings = TrainSettings(
        network="tiny", loss="positive-only", miner="random", batch=16, epochs=10, rate=0.01, threads=1
    )
    result = run_to_end(train(DATA, settings))
    lamp = result.snapshot.lamp
    assert lamp.state in ("warning", "collapsed")
    assert lamp.remedies[0][:2] == ("loss", "triplet")


@pytest.mark.parametrize("miner", sorted(mining.MINERS))
def test_that_a_loss_that_only_pulls_does_so_whatever_negatives_are_asked_for(miner: str) -> None:
    settings = TrainSettings(network="tiny", loss="positive-only", miner=miner, batch=16, epochs=1, threads=1)
    curves = run_to_end(train(DATA, settings)).snapshot.curves
    assert (curves.elements > 0).all()
    assert (curves.loss > 0).all()
    assert (curves.gradient > 0).all()


def test_that_descriptors_collapse_without_a_push_and_without_normalisation() -> None:
    settings = TrainSettings(
        network="tiny", loss="positive-only", miner="random", batch=16, epochs=10, rate=0.01, threads=1, spread=False
    )
    found = run_to_end(train(DATA, settings)).snapshot
    assert found.curves.spread[-1] < 0.05 < found.curves.spread[0]
    assert found.lamp.state == "collapsed"
    assert "spread" in [name for name, _, _ in found.lamp.remedies]


def test_that_a_tower_without_normalised_descriptors_passes_them_through() -> None:
    tower = networks.make_tower(towers.PLANS["tiny"], seed=3, spread=False).train()
    plain = networks.make_tower(towers.PLANS["tiny"], seed=3)
    assert list(tower.state_dict()) == list(plain.state_dict())
    before = tower[-2].running_mean.clone()
    tower(torch.rand(8, 1, 32, 32))
    assert torch.equal(tower[-2].running_mean, before)
    assert not torch.equal(tower[1].running_mean, torch.zeros_like(tower[1].running_mean))


def test_the_lamp_at_its_limits() -> None:
    def curves(row: list[float], steps: int = 30) -> Curves:
        log = CurveLog()
        log.replace(np.tile(row, (steps, 1)))
        return log.curves()

    def lamp(loss: float, spread: float, steps: int = 30) -> str:
        shown = curves([loss, 1.0, 0.1, spread, 10, 10], steps)
        return collapse_lamp(shown, loss="triplet", margin=0.2, squared=True, miner="hardest").state

    assert lamp(0.2, 0.01) == "collapsed"
    assert lamp(0.2, 0.01, steps=5) == "off"  # too early to say
    assert lamp(0.2, 0.9) == "off"
    assert lamp(0.1, 0.1) == "warning"
    found = collapse_lamp(curves([0.2, 1, 0, 0, 1, 1]), loss="triplet", margin=0.2, squared=True, miner="hardest")
    assert [name for name, _, _ in found.remedies] == ["miner", "loss", "rate"]
    assert "margin" in found.why


@pytest.mark.parametrize("loss", [n for n, p in losses.PLANS.items() if p.kind != "decision" and p.margin])
def test_that_the_lamp_knows_the_collapse_of_every_loss(loss: str) -> None:
    """The loss of descriptors that are all but the same is where the lamp looks for it."""
    plan, g = losses.PLANS[loss], torch.Generator().manual_seed(0)
    x = torch.nn.functional.normalize(torch.ones(24, 16) + 1e-3 * torch.randn(24, 16, generator=g), dim=1)
    labels = torch.arange(12).repeat(2)
    distance = losses.distance_matrix(x, squared=plan.squared)
    found = mining.mine("hardest", distance, labels, margin=plan.margin, generator=g)
    if plan.kind == "triplets":
        terms = losses.triplet_terms(loss, x, found, plan.margin)
    elif plan.kind == "batch":
        terms = losses.lifted_terms(x, labels, plan.margin)
    else:
        first, second = found.anchor.repeat(2), torch.cat([found.positive, found.negative])
        terms = losses.pair_terms(loss, x, first, second, torch.arange(48) < 24, plan.margin)
    log = CurveLog()
    row = [float(terms.mean()), 1, 0, 0.001, len(terms.values), mining.possible_triplets(labels)]
    log.replace(np.tile(row, (30, 1)))
    lamp = collapse_lamp(log.curves(), loss=loss, margin=plan.margin, squared=plan.squared, miner="hardest")
    assert lamp.state == "collapsed"


def test_that_curves_that_were_shown_stay_as_they_are_while_the_log_grows() -> None:
    log = CurveLog()
    assert len(log.curves().loss) == 0
    rows = np.arange(6.0 * 1000).reshape(1000, 6)
    shown = []
    for row in rows:
        log.append(tuple(row))
        shown.append(log.curves())
    assert len(log) == 1000
    for steps, curves in enumerate(shown, start=1):
        assert np.array_equal(curves.loss, rows[:steps, 0])
    assert np.array_equal(log.curves(last=50).possible, rows[-50:, 5])
    assert np.array_equal(log.rows(), rows)
    with pytest.raises(ValueError, match="read-only"):
        shown[-1].loss[0] = 1.0
    log.replace(rows[:3] + 1)
    assert np.array_equal(shown[-1].spread, rows[:, 3])
    assert np.array_equal(log.curves().spread, rows[:3, 3] + 1)


def test_that_time_decides_where_it_is_asked_to() -> None:
    start = time.perf_counter()
    settings = TrainSettings(network="tiny", batch=16, minutes=0.02, threads=1)
    last = run_to_end(train(DATA, settings)).snapshot
    assert last.total_steps == 0
    assert last.seconds >= 1.2
    assert last.seconds <= time.perf_counter() - start


def test_the_rate_rises_and_falls() -> None:
    rates = [rate_at(share, 1.0) for share in np.linspace(0, 1, 200)]
    assert 0 < rates[0] < 0.05
    assert max(rates) > 0.95
    assert rates[-1] == 0
    assert all(math.isfinite(rate) for rate in rates)


def test_that_memory_does_not_grow_with_epochs() -> None:
    import psutil

    process, seen = psutil.Process(), []
    settings = TrainSettings(network="tiny", batch=16, epochs=10, threads=1)

    def look(progress: object) -> None:
        seen.append(process.memory_info().rss)

    run_to_end(train(DATA, settings), look)
    quarter = len(seen) // 4
    assert max(seen[-quarter:]) - max(seen[quarter : 2 * quarter]) < 8_000_000


def test_that_a_training_can_be_left_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a batch takes, there is a yield every 0.1 s, and closing the job there abandons the batch."""
    job = train(DATA, QUICK)
    for progress in job:
        if progress.payload is not None and progress.payload.step == 2:
            break
    slow = networks.embed
    woken: list[bool] = []

    def sleeping(network: torch.nn.Module, patches: torch.Tensor) -> torch.Tensor:
        time.sleep(1.0)
        woken.append(True)
        return slow(network, patches)

    monkeypatch.setattr(networks, "embed", sleeping)
    steps = [next(job).payload.step for _ in range(4)]
    assert steps == [2, 2, 2, 2]
    job.close()
    assert not woken  # it did not wait for the batch


def test_that_the_tower_is_shared_and_the_gradient_the_sum_of_both_branches() -> None:
    tower = networks.make_tower(towers.PLANS["tiny"], seed=3).eval()
    a, b = (networks.as_input(DATA.patches[rows]) for rows in (slice(0, 8), slice(8, 16)))

    def gradient(*parts: torch.Tensor) -> torch.Tensor:
        tower.zero_grad()
        for part in parts:
            networks.embed(tower, part)[:, 0].sum().backward()
        weight = tower[0].weight.grad
        assert weight is not None
        return weight.clone()

    assert torch.allclose(gradient(torch.cat([a, b])), gradient(a) + gradient(b), atol=1e-5)


def test_that_folding_changes_no_descriptor_and_plans_count_right() -> None:
    for name, plan in towers.PLANS.items():
        tower = networks.make_tower(plan, seed=1)
        for _ in range(2):  # batch statistics that are not 0 and 1
            networks.embed(tower, networks.as_input(DATA.patches[:32]))
        plain = networks.describe_patches(tower, DATA.patches[:20])
        assert np.allclose(
            networks.describe_patches(networks.folded(tower.eval()), DATA.patches[:20]), plain, atol=2e-6
        )
        assert sum(p.numel() for p in tower.parameters()) == towers.parameters(32, plan), name
    assert towers.multiply_adds(32, towers.PLANS["large"]) == 39_092_224
    assert towers.parameters(32, towers.PLANS["large"]) == 1_334_560
    assert networks.describe_patches(networks.make_tower(towers.PLANS["tiny"]), DATA.patches[:0]).shape == (0, 128)


def model(path: Path, *, network: str = "tiny", ids: tuple[tuple[str, str], ...] = ()) -> Path:
    """A trained model in a file, with its card."""
    result = run_to_end(train(DATA, replace(QUICK, network=network)))
    model_store.save_checkpoint(path, model_store.card_of(result, path.stem, span=3.0, data_ids=ids), result.tensors)
    return path


def first_judgement(settings: TrainSettings) -> tuple[Judgement, np.ndarray]:
    """What a training says of its network before the first step, and the patches that it was judged on."""
    job = train(DATA, settings)
    for progress in job:
        if progress.payload is not None and progress.payload.judgements:
            found = progress.payload.judgements[0]
            break
    job.close()
    assert (found.step, len(found.embedding)) == (0, 24)
    return found, split(DATA, JUDGE_SHARE, settings.seed)[1].patches[found.sample]


@pytest.mark.parametrize("design", ["embedding", "head"])
def test_that_a_training_starts_as_the_model_it_is_told_to(design: str, tmp_path: Path) -> None:
    first = model(tmp_path / "first.safetensors")
    judged, patches = first_judgement(replace(QUICK, start=str(first), design=design, seed=5))
    described = descriptor.load(first).describe(patches)
    assert np.allclose(judged.embedding, described, atol=1e-4)
    other, _ = first_judgement(replace(QUICK, design=design, seed=5))
    assert not np.allclose(other.embedding, described, atol=0.1)


def test_that_a_card_says_what_a_training_started_from(tmp_path: Path) -> None:
    first = model(tmp_path / "first.safetensors", ids=(("old.png", "1" * 64), ("both.png", "2" * 64)))
    result = run_to_end(train(DATA, replace(QUICK, start=str(first), seed=5)))
    card = model_store.card_of(result, "second", span=3.0, data_ids=(("both.png", "2" * 64), ("new.png", "3" * 64)))
    assert card.start == ("first", model_store.load_checkpoint(first).card.sha256)
    assert [name for name, _ in card.data_ids] == ["both.png", "new.png", "old.png"]
    again = model_store.save_checkpoint(tmp_path / "second.safetensors", card, result.tensors)
    assert model_store.read_card(tmp_path / "second.safetensors") == again


def test_that_a_model_that_does_not_fit_is_refused_in_one_sentence(tmp_path: Path) -> None:
    first = str(model(tmp_path / "first.safetensors"))
    with pytest.raises(UserError, match="network 'tiny', not 'fast'"):
        run_to_end(train(DATA, replace(QUICK, start=first, network="fast")))
    with pytest.raises(UserError, match="joint network sees patches in pairs"):
        run_to_end(train(DATA, replace(QUICK, start=first, design="joint")))
    with pytest.raises(UserError, match="There is no model"):
        run_to_end(train(DATA, replace(QUICK, start=str(tmp_path / "gone.safetensors"))))
    small = replace(DATA, patches=np.ascontiguousarray(DATA.patches[:, ::2, ::2]))
    with pytest.raises(UserError, match="patches of 32 pixels, these have 16"):
        run_to_end(train(small, replace(QUICK, start=first)))


def test_that_a_file_of_before_a_setting_was_there_is_gone_on_from(tmp_path: Path) -> None:
    state = tmp_path / "state.safetensors"
    whole = run_to_end(train(DATA, QUICK, autosave=state))
    tensors, metadata = read_tensors(state)
    plain = json.loads(metadata["state"])
    del plain["settings"]["start"]
    write_tensors(state, tensors, {**metadata, "state": json.dumps(plain)})
    assert same(whole, run_to_end(train(DATA, QUICK, autosave=state, resume=True)))


def test_that_a_training_goes_on_when_the_model_it_started_from_is_gone(tmp_path: Path) -> None:
    first = model(tmp_path / "first.safetensors", ids=(("old.png", "1" * 64),))
    card = model_store.read_card(first)
    state, epochs = tmp_path / "state.safetensors", tmp_path / "epochs"
    epochs.mkdir()
    settings = replace(QUICK, start=str(first), seed=5)
    whole = run_to_end(train(DATA, settings))
    job = train(DATA, settings, autosave=state, epochs_folder=epochs)
    for progress in job:
        if progress.payload is not None and progress.payload.epoch == 1 and state.exists():
            job.close()
    first.unlink()
    model_store.card_path(first).unlink()
    kept = model_store.load_checkpoint(epochs / "epoch-001.safetensors").card
    assert (kept.start, kept.data_ids) == ((card.name, card.sha256), card.data_ids)
    # Where a program is started anew, the name of a model that is gone cannot be a setting any more.
    for again in (settings, replace(settings, start="")):
        copy = Path(shutil.copy(state, tmp_path / "copy.safetensors"))
        resumed = run_to_end(train(DATA, again, autosave=copy, resume=True))
        assert same(whole, resumed)
        assert resumed.start == card


def test_that_a_training_of_another_start_is_not_gone_on_with(tmp_path: Path) -> None:
    first, state = model(tmp_path / "first.safetensors"), tmp_path / "state.safetensors"
    run_to_end(train(DATA, replace(QUICK, start=str(first)), autosave=state))
    with pytest.raises(UserError, match="another start"):
        run_to_end(train(DATA, QUICK, autosave=state, resume=True))


def test_that_the_receptive_field_follows_the_recursion() -> None:
    """Layers of the reference network of Long, Zhang & Darrell, pooling counted as a layer."""
    layers = ((1, 11, 4), (1, 3, 2), (1, 5, 1), (1, 3, 2), (1, 3, 1), (1, 3, 1), (1, 3, 1), (1, 3, 2))
    found = towers.receptive_field(towers.TowerPlan("reference", "", layers))
    assert [side for side, _ in found] == [11, 19, 51, 67, 99, 131, 163, 195]
    assert [jump for _, jump in found] == [4, 8, 8, 16, 16, 16, 16, 32]


@pytest.mark.parametrize("plan", towers.PLANS.values(), ids=lambda plan: plan.name)
def test_that_a_layer_sees_what_its_receptive_field_says(plan: towers.TowerPlan) -> None:
    """Back-propagated to a large input, one number in the middle has a gradient on that square and nowhere else."""
    convolutions = 0
    tower = networks.make_tower(plan, side=32).eval()
    expected = towers.receptive_field(plan)
    patch = torch.zeros(1, 1, 96, 96, requires_grad=True)
    values = patch
    for module in tower:
        if isinstance(module, torch.nn.ReLU | torch.nn.BatchNorm2d):
            continue  # neither changes what is seen; a ReLU would only hide parts of it by chance
        values = module(values)
        convolutions += 1
        middle = values[0, 0, values.shape[2] // 2, values.shape[3] // 2]
        (gradient,) = torch.autograd.grad(middle, patch, retain_graph=True)
        seen = gradient[0, 0].nonzero()
        side, _ = expected[convolutions - 1]
        assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [side, side]
        if convolutions == len(expected):
            break
    assert convolutions == len(plan.layers)


def few_classes(classes: int = 4, each: int = 40) -> PatchSet:
    """A few classes of many patches, each a folder of its own."""
    data = stripes(classes, each)
    return replace(data, scene=data.point, scenes=tuple(f"class {i}" for i in range(classes)))


def test_that_of_few_classes_patches_are_kept_and_of_many_whole_scenes() -> None:
    data = few_classes()
    part, held = split(data, 0.1, 0)
    assert (len(part), len(held)) == (144, 16)
    assert np.array_equal(np.bincount(held.point), [4, 4, 4, 4])
    assert not {patch.tobytes() for patch in part.patches} & {patch.tobytes() for patch in held.patches}
    assert not np.array_equal(split(data, 0.1, 1)[1].patches, held.patches)
    part, held = split(DATA, 0.25, 0)
    assert not set(part.scene.tolist()) & set(held.scene.tolist())
    few = stripes(4, 3)  # too few patches of a class to keep some of each
    part, held = split(few, 0.25, 0)
    assert len(np.unique(held.point)) == len(np.unique(part.point)) == 2


@pytest.mark.parametrize(("classes", "scenes"), [(2, 1), (3, 1), (12, 1), (12, 12)])
def test_that_either_part_has_something_to_tell_apart_or_nothing_is_kept(classes: int, scenes: int) -> None:
    data = stripes(classes, 4)
    data = replace(data, scene=data.point if scenes > 1 else data.scene * 0, scenes=data.scenes * classes)
    part, held = split(data, JUDGE_SHARE, 0)
    assert len(part) + len(held) == len(data)
    assert len(np.unique(part.point)) >= 2
    assert len(np.unique(held.point)) == (0 if classes < 4 else 2)
    settings = TrainSettings(network="tiny", batch=4, epochs=1, threads=1)
    judged = run_to_end(train(data, settings)).snapshot.judgements
    assert len(judged) == (0 if classes < 4 else 2)
    assert all(math.isfinite(found.fpr95 + found.rank1) for found in judged)


def test_that_pairs_are_judged_against_other_classes_only() -> None:
    data = few_classes(classes=3, each=10)
    first, second = judged_rows(data)
    assert len(first) == 15
    assert len(np.unique(np.concatenate([first, second]))) == 30
    assert (data.point[first] == data.point[second]).all()
    point = data.point[first]
    assert (judged_group(data.scene[first], point) == 0).all()
    others = other_rows(point, 50, np.random.default_rng(0))
    assert (point[others] != point[:, None]).all()
    assert [len(np.unique(row)) for row in others] == [10] * 15  # every row of another class is drawn some time
    many = judged_rows(DATA)[0]
    assert np.array_equal(many, np.arange(0, len(DATA), 3))  # of many classes one pair each
    assert np.array_equal(judged_group(DATA.scene[many], DATA.point[many]), DATA.scene[many])


@pytest.mark.parametrize("design", ["embedding", "head", "joint"])
def test_that_few_classes_give_numbers(design: str) -> None:
    result = run_to_end(train(few_classes(), replace(QUICK, design=design, epochs=1)))
    judged = result.snapshot.judgements[-1]
    assert 0 <= judged.fpr95 <= 1
    assert len(judged.positive) == 8  # two pairs of each class
    if design != "joint":
        assert 0 <= judged.rank1 <= 1
        held = split(few_classes(), JUDGE_SHARE, 0)[1]
        assert len(judged.hardest)
        assert (held.point[judged.hardest[:, 0]] != held.point[judged.hardest[:, 1]]).all()


def test_that_any_patch_of_the_class_is_a_right_nearest_one() -> None:
    left = np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)
    right = np.array([[0.1], [0.0], [5.1], [5.0]], np.float32)
    group, label = np.zeros(4, int), np.array([0, 0, 1, 1])
    positive, negative, rank1 = paired_distances(left, right, group, label=label)
    assert rank1 == [1.0]
    assert np.allclose(positive, 0.1)
    assert (negative > 4).all()
    assert paired_distances(left, right, group)[2] == [0.0]
    nothing = paired_distances(left, right, group, label=np.zeros(4, int))
    assert nothing[2] == []
    assert len(nothing[0]) == len(nothing[1]) == 0
