// A page that is opened as a file may start no worker. Here the search's one runs in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class {
    onmessage = null;

    constructor(url) {
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.srcdoc = "<!doctype html>";
      this.inner = new Promise((resolve) => {
        this.frame.onload = () => {
          const inner = this.frame.contentWindow;
          inner.postMessage = (data) => this.onmessage?.(new MessageEvent("message", { data }));
          const script = inner.document.createElement("script");
          script.src = new URL(url, location.href);
          script.onload = () => resolve(inner);
          inner.document.body.append(script);
        };
      });
      document.documentElement.append(this.frame);
    }

    postMessage(data) {
      this.inner.then((inner) => inner.onmessage(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
