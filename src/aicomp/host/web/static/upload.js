// Drag and drop, progress and messages on the upload form; without it the form is posted as any other.
export function watchUpload() {
  const form = document.querySelector("form[data-upload]");
  if (form) new Upload(form);
}

class Upload {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector('input[type="file"]');
    this.drop = form.querySelector(".drop");
    this.status = form.querySelector('[role="status"]');
    this.progress = form.querySelector("progress");
    this.button = form.querySelector("button");
    form.querySelector("[data-hint]").hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.watchDrops();
  }

  watchDrops() {
    for (const kind of ["dragenter", "dragover"]) {
      this.drop.addEventListener(kind, (event) => {
        event.preventDefault();
        this.drop.classList.add("over");
      });
    }
    this.drop.addEventListener("dragleave", (event) => {
      if (!this.drop.contains(event.relatedTarget)) this.drop.classList.remove("over");
    });
    this.drop.addEventListener("drop", (event) => {
      event.preventDefault();
      this.drop.classList.remove("over");
      this.take(event.dataTransfer.files);
    });
    // A file dropped beside the box would replace the page.
    for (const kind of ["dragover", "drop"]) window.addEventListener(kind, (event) => event.preventDefault());
  }

  take(files) {
    if (files.length !== 1) {
      this.say(files.length ? "Drop one file at a time." : "That was no file.", true);
      return;
    }
    this.input.files = files;
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
    this.say(`${files[0].name} is ready: press Submit.`);
  }

  say(text, bad = false) {
    this.status.textContent = text;
    this.status.classList.toggle("bad", bad);
  }

  send() {
    const file = this.input.files[0];
    const most = Number(this.form.dataset.max);
    if (!file) return this.say("Choose a file first.", true);
    if (file.size > most) return this.say(`${file.name} is larger than ${this.form.dataset.maxText}.`, true);
    const request = new XMLHttpRequest();
    request.open("POST", this.form.action);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => this.show(event));
    request.addEventListener("load", () => this.done(request, file));
    request.addEventListener("error", () => this.failed("The connection was lost: look at the list below before you send it again."));
    this.button.disabled = true;
    this.progress.hidden = false;
    this.say(`Sending ${file.name}…`);
    request.send(new FormData(this.form));
    return undefined;
  }

  show(event) {
    if (event.lengthComputable) this.progress.value = event.loaded / event.total;
  }

  done(request, file) {
    const body = request.response ?? {};
    if (request.status !== 201) {
      this.failed(body.message ?? `The server answered ${request.status}.`);
      return;
    }
    this.finish();
    this.form.reset();
    this.say(`${file.name} arrived as submission ${body.ref}; its score appears below.`);
    document.dispatchEvent(new Event("submitted"));
  }

  failed(text) {
    this.finish();
    this.say(text, true);
  }

  finish() {
    this.button.disabled = false;
    this.progress.hidden = true;
    this.progress.removeAttribute("value");
  }
}
