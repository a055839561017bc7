import { post, press, sign } from "./wire.js";

const { act, challenge } = document.body.dataset;
const signing = document.getElementById("sign");
const decline = document.getElementById("decline");

signing?.addEventListener("click", () =>
  press(signing, async () => {
    const { options } = await post(`/api/acts/${act}/options`, {});
    await post(`/api/acts/${act}/sign`, { credential: await sign(options, challenge) });
    location.reload();
  }),
);

decline?.addEventListener("click", () =>
  press(decline, async () => {
    await post(`/api/acts/${act}/decline`, {});
    location.reload();
  }),
);
