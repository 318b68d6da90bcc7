import pytest
import yaml

from feedback.errors import ParamsError
from flows.params import PipelineParams, load_params
from models.concept_graph.params import ConceptGraphParams


def test_a_file_and_overrides_compose_and_the_last_wins(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("seed: 3\ntraining: {epochs: 7}\n")
    params = load_params(path, ("training.epochs=2", "training.lr=1e-2", "training.epochs=5"))
    assert (params.seed, params.training.epochs, params.training.lr) == (3, 5, 0.01)


def test_a_channel_s_parameters_are_read_by_its_own_class():
    params = load_params(None, ("concept_graph.graph.n_concepts=6", "concept_graph.classes=[a, b]"))
    settings = params.of_channel()
    assert isinstance(settings, ConceptGraphParams)
    assert settings.graph.n_concepts == 6
    assert settings.classes == ("a", "b")
    again = PipelineParams.model_validate(params.model_dump(mode="json"))
    assert again == params


def test_a_file_names_a_channel_s_parameters_as_set_does(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(
        "channels: {concept_graph: {n_classes: 4}}\n"
        "saliency_grid: {grid: {cells: 9}}\n"
        "channel: saliency_grid\n"
    )
    params = load_params(path, ("saliency_grid.seeds=1",))
    assert (params.of_channel().grid.cells, params.of_channel().seeds) == (9, 1)
    assert params.channels["concept_graph"].n_classes == 4
    path.write_text("channels: {saliency_grid: {seeds: 1}}\nsaliency_grid: {seeds: 2}\n")
    with pytest.raises(ParamsError, match=r"'saliency_grid' once in .*params\.yaml"):
        load_params(path)
    path.write_text("channels: [1]\nsaliency_grid: {seeds: 2}\n")
    with pytest.raises(ParamsError, match="channels"):
        load_params(path)
    path.write_text("saliencygrid: {seeds: 2}\n")
    with pytest.raises(ParamsError, match="unknown parameter 'saliencygrid'"):
        load_params(path)


def test_what_is_printed_can_be_read_back(tmp_path, capsys):
    from flows.commands.show import show_params

    show_params(None, ("training.epochs=2",))
    path = tmp_path / "printed.yaml"
    path.write_text(capsys.readouterr().out)
    assert load_params(path).training.epochs == 2
    assert "concept_graph" in yaml.safe_load(path.read_text())["channels"]


def test_a_channel_that_is_still_being_written_is_left_out(tmp_path, capsys, monkeypatch):
    import flows.channels
    from flows.commands.show import show_params

    (tmp_path / "half_done.py").write_text("")
    monkeypatch.setattr(flows.channels, "__path__", [*flows.channels.__path__, str(tmp_path)])
    show_params(None, ())
    printed = yaml.safe_load(capsys.readouterr().out)["channels"]
    assert "half_done" not in printed
    assert {"concept_graph", "saliency_grid"} <= set(printed)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epoch=2", "unknown parameter 'training.epoch'"),
        ("nothing=1", "unknown parameter 'nothing'"),
        ("nothing.at.all=1", "nothing"),
        ("training.epochs=0", "greater than or equal to 1 .got 0."),
        ("training.epochs=many", "got 'many'"),
        ("training=3", "training"),
        ("training.epochs", "expected --set key=value"),
        ("=1", "expected --set key=value"),
        ("training..epochs=1", "expected --set key=value"),
        ("seed.epochs.x=1", "seed"),
        ("seed={", "expected a YAML value"),
        ("channel=telepathy", "no channel named 'telepathy'"),
        ("channel=../x", "name of a channel"),
        ("channel=metrics", "no channel named"),
        ("review.reviewer=nobody", "review.reviewer"),
        ("concept_graph.graph.n_concepts=1", "n_concepts"),
        ("concept_graph.classes=[a]", "at least two classes"),
        ("concept_graph.reasoner.node_dims=[8]", "as many node_dims as edge_dims"),
        ("promotion.n_bootstrap=100", "raise n_bootstrap"),
        ("distillation={transfer: pool, edit_augmentation: blank}", "got transfer=pool.; change"),
        ("distillation={transfer: pool, edit_augmentation: transplant}", "edit_augmentation=off"),
    ],
)
def test_a_bad_override_is_refused_in_one_line(override, message):
    overrides = (override,)
    if override.startswith("promotion"):
        overrides = (override, "promotion.confidence=0.99")
    with pytest.raises(ParamsError, match=message) as refused:
        load_params(None, overrides)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"- 1\n", "a mapping"), (b"a: [", "expected YAML"), (b"\xff\xfe\x00", "expected YAML")],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path, content, message):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(ParamsError, match=message) as refused:
        load_params(path)
    assert "\n" not in str(refused.value)
    with pytest.raises(ParamsError, match="check --params"):
        load_params(tmp_path / "none.yaml")


def test_an_empty_file_means_the_defaults(tmp_path):
    (tmp_path / "params.yaml").touch()
    assert load_params(tmp_path / "params.yaml") == PipelineParams()
