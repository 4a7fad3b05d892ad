/** The small parts every page is built from. */

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icon";

export function Notice({ error = false, action, children }: {
  error?: boolean;
  action?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <div class={error ? "notice notice--error" : "notice"} role={error ? "alert" : "status"}>
      {error && <Icon name="warning" size={18} />}
      <span>{children}</span>
      {action && <span class="notice__action">{action}</span>}
    </div>
  );
}

/** How a camera is: a lamp, and its detail or the reason. */
export function HealthLamp({ camera }: { camera: { readonly online: boolean; readonly warning: string; readonly reason: string; readonly detail: string } }) {
  if (!camera.online) return <span class="lamp lamp--bad">{camera.reason}</span>;
  if (camera.warning !== "") return <span class="lamp lamp--wait">{camera.warning}</span>;
  return <span class="lamp lamp--ok">{camera.detail || "Online"}</span>;
}

export function Empty({ icon, title, children, action, alone = false }: {
  icon: IconName;
  title: string;
  /** It is all there is on the page, so its title is the page's. */
  alone?: boolean;
  children: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <span class="empty__art"><Icon name={icon} size={40} /></span>
      {alone ? <h1>{title}</h1> : <h2>{title}</h2>}
      <p>{children}</p>
      {action}
    </div>
  );
}

export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type?: "text" | "password";
  readonly hint?: string;
  readonly required?: boolean;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly autoComplete?: string;
  readonly placeholder?: string;
  readonly autoFocus?: boolean;
}

export function Field(props: FieldProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const { label, hint, value, onInput, autoFocus, type = "text", autoComplete = "off", ...rest } = props;
  useEffect(() => {
    if (autoFocus) input.current?.focus();
  }, [autoFocus]);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        ref={input}
        type={type as "text"}
        value={value}
        autocomplete={autoComplete}
        autocapitalize="off"
        spellcheck={false}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
        {...rest}
      />
      {hint && <span class="field__hint" id={`${id}-hint`}>{hint}</span>}
    </div>
  );
}

/** A whole number from a row of text boxes: "at least [5] people". */
export function NumberField({ label, unit, value, min, max, onInput }: {
  label: string;
  unit: string;
  value: number;
  min: number;
  max: number;
  onInput: (value: number) => void;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="field__unit">
        <input
          id={id}
          type="number"
          inputmode="numeric"
          min={min}
          max={max}
          step={1}
          required
          value={Number.isNaN(value) ? "" : value}
          onInput={(event) => onInput(event.currentTarget.valueAsNumber)}
        />
        <span aria-hidden="true">{unit}</span>
      </div>
    </div>
  );
}

export function Segments<T extends string | number>({ label, options, value, onPick }: {
  label: string;
  options: readonly { value: T; label: string }[];
  value: T;
  onPick: (value: T) => void;
}) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map((option) => (
        <button key={option.value} type="button" aria-pressed={option.value === value} onClick={() => onPick(option.value)}>
          {option.label}
        </button>
      ))}
    </div>
  );
}

export function Dialog({ title, wide = false, onClose, children }: {
  title: string;
  wide?: boolean;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "dialog dialog--wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div class="dialog__body">
        <div class="dialog__head">
          <h2 id={id}>{title}</h2>
          <button type="button" class="button button--quiet button--icon" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

export function SubmitButton({ busy, busyLabel, children }: { busy: boolean; busyLabel: string; children: ComponentChildren }) {
  return (
    <button type="submit" class="button button--primary button--wide" disabled={busy} aria-busy={busy}>
      {busy ? <><span class="spinner" aria-hidden="true" />{busyLabel}</> : children}
    </button>
  );
}

/** One of a few, each with a sentence: what Segments have no room for. */
export function Choice<T extends string>({ label, options, value, onPick, disabled = false }: {
  label: string;
  options: readonly { value: T; label: string; hint: string }[];
  value: T;
  onPick: (value: T) => void;
  disabled?: boolean;
}) {
  const name = useId();
  return (
    <fieldset class="choice" disabled={disabled}>
      <legend class="visually-hidden">{label}</legend>
      {options.map((option) => (
        <label key={option.value} class="choice__option" data-on={option.value === value}>
          <input type="radio" name={name} checked={option.value === value} onChange={() => onPick(option.value)} />
          <span><strong>{option.label}</strong><span class="muted">{option.hint}</span></span>
        </label>
      ))}
    </fieldset>
  );
}
