"""pipeline.json: which components made a model."""

import pytest

from maas_sdk._internal import strict_json
from maas_sdk.artifact import ComponentRecord, Recipe, SerializerRecord
from maas_sdk.errors import InvalidArtifactError

RECIPE = Recipe(
    components=(
        ComponentRecord(
            place="model", kind="model", reference="acme.forest", implementation="maas_sdk_acme.Forest",
            distribution="maas-sdk-acme", version="1.2", options={"depth": 3, "shape": {"$tuple": [1]}},
        ),
        ComponentRecord(
            place="preprocessors[0]", kind="preprocessor", reference=None, implementation="mine.Scale",
            distribution=None, version=None, options={},
        ),
    ),
    serializers=(
        SerializerRecord(
            type_name="acme.Forest", reference="acme.forest", distribution="maas-sdk-acme", version="1.2"
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize("recipe", [RECIPE, Recipe()])
def test_a_recipe_comes_back(recipe):
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_its_format_is_named_and_versioned():
    assert strict_json.dumps("maas-recipe/1") in RECIPE.to_json()
    with pytest.raises(InvalidArtifactError, match=r"pipeline\.json has the format 'maas-recipe/2'"):
        Recipe.from_json(RECIPE.to_json().replace(b"maas-recipe/1", b"maas-recipe/2"))


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"components": [], "serializers": []},
        {"format": "maas-recipe/1", "components": {}, "serializers": []},
        {"format": "maas-recipe/1", "components": [], "serializers": [], "more": 1},
        {"format": "maas-recipe/1", "components": [{"place": "model"}], "serializers": []},
        {"format": "maas-recipe/1", "components": [], "serializers": [{"reference": 7}]},
    ],
)
def test_a_malformed_recipe_is_refused(document):
    with pytest.raises(InvalidArtifactError, match=r"pipeline\.json"):
        Recipe.from_json(strict_json.dumps(document))
