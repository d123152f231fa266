// One way to ask the listener, so that every failure reads the same.

export class Failure extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

async function explain(res: Response): Promise<string> {
  const text = (await res.text()).trim();
  try {
    const body = JSON.parse(text) as { error?: string; message?: string };
    if (body.error ?? body.message) return (body.error ?? body.message)!;
  } catch {
    // not JSON: the text is the message
  }
  return text || `the listener answers ${res.status}`;
}

export async function getJSON<T>(path: string, params: Record<string, string> | URLSearchParams = {}, signal?: AbortSignal): Promise<T> {
  const query = new URLSearchParams(params).toString();
  return send<T>(path + (query && "?" + query), { signal: signal ?? null });
}

export async function postJSON<T>(path: string, body: unknown): Promise<T> {
  return send<T>(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

async function send<T>(url: string, init: RequestInit): Promise<T> {
  let res: Response;
  try {
    res = await fetch(url, init);
  } catch (err) {
    if ((err as Error).name === "AbortError") throw err;
    throw new Failure("Weir does not answer: is it still running?", 0);
  }
  if (!res.ok) throw new Failure(await explain(res), res.status);
  return (await res.json()) as T;
}
