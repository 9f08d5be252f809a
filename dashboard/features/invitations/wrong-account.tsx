import { session } from "../../session.ts";
import { Button } from "../../ui/button.tsx";
import { Notice } from "../../ui/notice.tsx";

export function WrongAccount({ email }: { email: string }) {
  return (
    <div className="grid justify-items-start gap-5">
      <Notice tone="warn">
        You are signed in as{" "}
        <span className="font-medium wrap-anywhere">{email}</span>. Sign out to go on as whom the invitation is for.
      </Notice>
      <Button className="max-md:h-11" onClick={() => void session.signOut()}>Sign out</Button>
    </div>
  );
}
