// Talking to the page's own server, and to the security key. Everything binary travels as base64url.

export async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-yett": "1" },
    body: JSON.stringify(body),
    credentials: "omit",
    cache: "no-store",
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.remedy ? `${told.error}. ${told.remedy}.` : told.error);
  return told;
}

const bytes = (text) => {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
};

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, "0")).join("");

const descriptors = (list) => (list ?? []).map((one) => ({ type: "public-key", id: bytes(one.id) }));

// Make a key and give what `POST /api/enrol` and `/api/keys` take.
export async function register(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials),
    },
  });
  return {
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    response: {
      attestationObject: text(made.response.attestationObject),
      clientDataJSON: text(made.response.clientDataJSON),
    },
  };
}

// Sign `options.challenge`, but only if it is the one that this page was rendered with: what you see is what you sign.
export async function sign(options, rendered) {
  const challenge = bytes(options.challenge);
  if (hex(challenge) !== rendered) {
    location.reload();
    throw new Error("What is to be signed has changed. Read it again.");
  }
  const given = await navigator.credentials.get({
    publicKey: {
      challenge,
      rpId: options.rpId,
      timeout: options.timeout,
      userVerification: options.userVerification,
      allowCredentials: descriptors(options.allowCredentials),
    },
  });
  return {
    id: given.id,
    rawId: text(given.rawId),
    type: given.type,
    response: {
      authenticatorData: text(given.response.authenticatorData),
      clientDataJSON: text(given.response.clientDataJSON),
      signature: text(given.response.signature),
    },
  };
}

// Run what a button does: no second click meanwhile, no reload under the person's finger, errors in words. What has
// been done stays "busy": the page is leaving (a reload now would call the leaving off) or shows what it did.
export async function press(button, work) {
  const notice = document.getElementById("notice");
  notice.hidden = true;
  button.disabled = true;
  document.body.dataset.busy = "yes";
  try {
    await work();
  } catch (error) {
    notice.textContent = error.name === "NotAllowedError" ? "The key gave no signature. Nothing was sent." : error.message;
    notice.hidden = false;
    button.disabled = false;
    delete document.body.dataset.busy;
  }
}
