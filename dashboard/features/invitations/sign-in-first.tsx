import { Link } from "@tanstack/react-router";
import { INVITATION_PATH } from "#protocol/api/invitations.ts";
import { buttonClass } from "../../ui/button.tsx";

/** Both ways lead back here. */
export function SignInFirst({ token }: { token: string }) {
  const next = INVITATION_PATH + token;
  return (
    <div className="flex gap-2 max-sm:flex-col">
      <Link to="/auth" search={{ mode: "signup", next }} className={`${buttonClass("primary")} max-md:h-11`}>
        Create an account
      </Link>
      <Link to="/auth" search={{ next }} className={`${buttonClass()} max-md:h-11`}>Sign in</Link>
    </div>
  );
}
