"""What an application sees first: names, import cost, the error tree."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import maas_sdk
from maas_sdk import errors

HEAVY = ("attrs", "numpy", "sklearn", "scipy", "cryptography", "pluggy", "pandas", "rich", "typer")


def modules_after(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_sdk_loads_nothing_heavy_and_scans_no_entry_points():
    loaded = modules_after("import maas_sdk")
    assert loaded.isdisjoint(HEAVY)
    assert "importlib.metadata" not in loaded


def test_verifying_and_importing_need_neither_numpy_nor_scikit_learn_nor_plugins():
    loaded = modules_after("import maas_sdk; maas_sdk.verify; maas_sdk.Trust; maas_sdk.open_store('memory:')")
    assert "maas_sdk.artifact" in loaded
    assert loaded.isdisjoint({"numpy", "sklearn", "scipy", "pluggy"})


def test_every_public_name_exists_and_the_list_is_sorted():
    assert maas_sdk.__all__ == sorted(maas_sdk.__all__)
    for name in maas_sdk.__all__:
        assert getattr(maas_sdk, name) is not None
    assert set(maas_sdk.__all__) <= set(dir(maas_sdk))


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Pipelin'"):
        maas_sdk.Pipelin  # noqa: B018 - the access is the test


def test_every_error_is_under_the_root_and_drawn_in_the_tree():
    tree = errors.__doc__
    for name in errors.__all__:
        cls = getattr(errors, name)
        assert issubclass(cls, maas_sdk.MaasError)
        assert f" {name}" in tree or tree.count(name), name
    defined = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert defined == set(errors.__all__)


def constants_then_classes_then_functions(name):
    return (not name.isupper(), not name[0].isupper(), name)


@pytest.mark.parametrize(
    "room", sorted(p.parent.name for p in Path(maas_sdk.__file__).parent.glob("*/__init__.py"))
)
def test_each_room_is_a_facade_with_a_sorted_list_of_names(room):
    source = (Path(maas_sdk.__file__).parent / room / "__init__.py").read_text()
    module = ast.parse(source)
    assert ast.get_docstring(module), "the first line says the room's one job"
    for node in module.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            names = ast.literal_eval(node.value)
            assert names == sorted(names, key=constants_then_classes_then_functions)


def test_no_module_can_unpickle_or_evaluate():
    forbidden_calls = {"eval", "exec", "compile", "__import__"}
    for path in Path(maas_sdk.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
                assert not {"pickle", "joblib", "marshal", "shelve"} & set(names), path
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in forbidden_calls, f"{path}:{node.lineno}"
