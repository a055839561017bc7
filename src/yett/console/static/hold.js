import { post, press, sign } from "./wire.js";

const { hold, challenge } = document.body.dataset;
const approve = document.getElementById("approve");
const deny = document.getElementById("deny");

approve?.addEventListener("click", () =>
  press(approve, async () => {
    const { options } = await post(`/api/holds/${hold}/options`, { answer: "approve" });
    await post(`/api/holds/${hold}/answer`, { answer: "approve", credential: await sign(options, challenge) });
    location.reload();
  }),
);

deny?.addEventListener("click", () =>
  press(deny, async () => {
    await post(`/api/holds/${hold}/deny`, {});
    location.reload();
  }),
);
