const WIDTH = 30;

/** Shows how far a job is: a bar that moves on a terminal, a line per tenth elsewhere. */
export function showProgress(label: string, total: number): (done: number) => void {
  let lastTenth = -1;
  return (done) => {
    const share = total === 0 ? 1 : done / total;
    const percent = `${Math.floor(share * 100)} %`;
    if (process.stdout.isTTY) {
      const full = Math.round(share * WIDTH);
      const bar = '█'.repeat(full) + '░'.repeat(WIDTH - full);
      process.stdout.write(`\r${label} ${bar} ${percent}${done === total ? '\n' : ''}`);
      return;
    }
    const tenth = Math.floor(share * 10);
    if (tenth === lastTenth) return;
    lastTenth = tenth;
    console.log(`${label} ${percent}`);
  };
}

/** Runs a step and prints how long it took, in ms. */
export async function timed<T>(title: string, step: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await step();
  console.log(`${title}: ${(performance.now() - start).toFixed(1)} ms`);
  return result;
}
