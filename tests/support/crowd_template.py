"""A template of Ground Truth with every element, a row, and answers to it."""

from __future__ import annotations

from typing import Any

TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<style>.mine { color: #1e7a3c; }</style>
<crowd-form>
  <crowd-instructions link-text="Read this" link-type="button">
    <short-summary>Judge.</short-summary>
    <detailed-instructions><p>Judge well.</p></detailed-instructions>
    <positive-example>Like this</positive-example><negative-example>Not this</negative-example>
  </crowd-instructions>
  <crowd-classifier name="mood" categories="{{ task.input.labels | to_json | escape }}"
    header="How does {{ task.input.author }} feel?">
    <classification-target><p class="mine">{{ task.input.source }}</p></classification-target>
    <full-instructions header="About moods"><p>Choose <b>one</b>.</p></full-instructions>
    <short-instructions>One mood only.</short-instructions>
  </crowd-classifier>
  <crowd-classifier-multi-select name="topics" categories="['price', 'music']"
    header="What is it about?" exclusion-category="{ text: 'None of these' }">
    <classification-target>{{ task.input.source }}</classification-target>
  </crowd-classifier-multi-select>
  <crowd-image-classifier name="shape" src="{{ task.input.image | grant_read_access }}"
    categories="['square', 'circle']" header="What do you see first?"></crowd-image-classifier>
  <crowd-image-classifier-multi-select name="shapes" src="{{ task.input.image }}"
    categories="['blue', 'red']" header="Which colours are there?">
  </crowd-image-classifier-multi-select>
  <crowd-entity-annotation name="names" text="{{ task.input.source }}" header="Mark the names"
    labels="{{ task.input.entities | to_json | escape }}"></crowd-entity-annotation>
  <crowd-bounding-box name="boxes" src="{{ task.input.image }}" header="Box the shapes"
    labels="['square', 'circle']"></crowd-bounding-box>
  <crowd-tabs>
    <crowd-tab header="Its words">
      <crowd-input name="word" label="One word" required></crowd-input>
    </crowd-tab>
    <crowd-tab header="More">
      <crowd-card heading="A card" image="{{ task.input.image }}">In it.</crowd-card>
      <crowd-modal link-text="See an example">Like this one.</crowd-modal>
      <crowd-badge label="2" for="said"></crowd-badge>
      <crowd-icon-button icon="help" title="Help" id="help"></crowd-icon-button>
    </crowd-tab>
  </crowd-tabs>
  <crowd-alert type="warning" dismissible>Take care.</crowd-alert>
  <p>Again? <crowd-toggle-button name="again"></crowd-toggle-button></p>
  <crowd-text-area name="why" label="Why?" rows="3"></crowd-text-area>
  <p>Who wrote it?</p>
  <crowd-radio-group>
    <crowd-radio-button name="writer" value="guest">A guest</crowd-radio-button>
    <crowd-radio-button name="writer" value="owner">The owner</crowd-radio-button>
  </crowd-radio-group>
  {% for each in task.input.flaws %}
  <crowd-checkbox name="flaws" value="{{ each }}">Flaw: {{ each }}</crowd-checkbox>
  {% endfor %}
  <crowd-slider name="warmth" min="1" max="5" label="How warm is it?"></crowd-slider>
  <label>Native <input name="native"></label>
  <div id="said" data-flaws="{{ task.input.flaws }}"></div>
  <crowd-button form-action="submit" variant="primary">Send it</crowd-button>
</crowd-form>
<script>
  const author = "{{ task.input.author }}";
  const flaws = JSON.parse(document.getElementById("said").dataset.flaws);
  document.addEventListener("all-crowd-elements-ready", () => {
    const shapes = document.querySelector("crowd-bounding-box").labels;
    document.getElementById("help").addEventListener("click", () => {
      document.getElementById("said").innerHTML =
        `<crowd-alert type="error" dismissible>${shapes} ${flaws.length}</crowd-alert>`;
    });
  });
  document.querySelector("crowd-form").onsubmit = function (event) {
    const word = document.querySelector('crowd-input[name="word"]').value;
    const boxes = document.querySelector("crowd-bounding-box").value.boundingBoxes;
    const { entities } = document.querySelector("crowd-entity-annotation").value;
    const said = `${word} ${boxes.length} ${entities.length} ` +
      document.querySelector("crowd-classifier").value.label + " " +
      document.querySelector('crowd-checkbox[value="late"]').checked + " " +
      document.querySelector("crowd-slider").value;
    document.getElementById("said").textContent = said;
    if (word === "stop") event.preventDefault();
  };
</script>
"""
ROW: dict[str, Any] = {
    "source": "Ada \U0001f642 <b> went\nto London.",
    "author": 'O\'Neil "<i>"',
    "labels": ["good", 'b"ad'],
    "entities": [{"label": "PER", "fullDisplayName": "Person"}, {"label": "LOC"}],
    "image": "shapes.svg",
    "flaws": ["late", "l'ong"],
}
ANSWERS: dict[str, Any] = {
    "mood": {"label": 'b"ad'},
    "topics": {"labels": ["music"]},
    "shape": {"label": "circle"},
    "shapes": {"labels": ["red"]},
    "names": {
        "entities": [
            {"startOffset": 0, "endOffset": 5, "label": "PER"},
            {"startOffset": 18, "endOffset": 24, "label": "LOC"},
        ]
    },
    "boxes": {
        "boundingBoxes": [
            {"left": 200, "top": 100, "width": 400, "height": 200, "label": "circle"}
        ],
        "inputImageProperties": {"height": 400, "width": 800},
    },
    "word": "fine",
    "again": {"on": True},
    "why": "First\nsecond",
    "writer": {"guest": False, "owner": True},
    "flaws": {"late": False, "l'ong": True},
    "warmth": 4,
    "native": "mine",
}
