import { texts } from "../texts";
import type { Problem } from "./types";

/** A failed command's reason as a Problem, whatever was thrown. */
export function asProblem(reason: unknown): Problem {
  if (typeof reason === "object" && reason !== null && "code" in reason && "message" in reason) {
    const given = reason as Partial<Problem>;
    return {
      code: String(given.code),
      message: String(given.message),
      nextStep: given.nextStep ?? "",
      retryAt: given.retryAt ?? null,
      requestId: given.requestId ?? null,
    };
  }
  return {
    code: "unexpected",
    message: texts.unexpected.message(reason instanceof Error ? reason.message : String(reason)),
    nextStep: texts.unexpected.nextStep,
    retryAt: null,
    requestId: null,
  };
}

/** The page itself cannot reach the back end. */
export function unreachable(): Problem {
  return {
    code: "companion_unreachable",
    message: texts.unreachable.message,
    nextStep: texts.unreachable.nextStep,
    retryAt: null,
    requestId: null,
  };
}
