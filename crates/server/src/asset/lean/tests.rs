use super::{join, squeeze, squeeze_style};

#[test]
fn comments_and_indentation_go_and_strings_stay() {
    let rows = [
        (
            "// a\nconst a = 1;\n  const b = \"// no  comment\";",
            "const a=1;const b=\"// no  comment\";",
        ),
        ("/** doc */\nreturn x / 2 / y; // half", "return x / 2 / y;"),
        ("a = /[/*]\\/x  /u.test(b)", "a=/[/*]\\/x  /u.test(b)"),
        ("let a = 1\nlet b = 2", "let a=1\nlet b=2"),
        ("a + +b - -c", "a + +b - -c"),
        (
            "html`<p>\n    <b>${x ? html`<i  a>${y}</i>` : { a: `  k  ` }.a}</b>\n</p>`",
            "html`<p> <b>${x?html`<i a>${y}</i>`:{a:`  k  `}.a}</b> </p>`",
        ),
        ("`a  \\` b\n  c`", "`a  \\` b\n  c`"),
        ("async function* lines() {\n  yield* x;\n}", "async function* lines(){yield* x;}"),
        ("case \"–\": // dash", "case \"–\":"),
    ];
    for (before, after) in rows {
        assert_eq!(squeeze(before), after);
    }
}

#[test]
fn modules_are_joined_in_the_entrys_order() {
    let entry = "import \"./viewer/vendor/v.js\";\nimport \"./viewer/a.js\";\nexport { B } from \"./viewer/b.js\";\n";
    let joined = join(entry, |name| {
        Some(match name {
            "vendor/v.js" => "const t=1;export{t as html};".to_owned(),
            "a.js" => "export const a = html;\n".to_owned(),
            "b.js" => "import {\n  a,\n} from \"./a.js\";\nexport class B {}\n".to_owned(),
            _ => return None,
        })
    });
    assert_eq!(
        joined,
        "const {html}=(()=>{const t=1;\nreturn{html:t}})();\nconst a=html;\nclass B{}\nexport { B };"
    );
}

#[test]
fn styles_lose_their_comments_and_line_ends() {
    let before = "/* a */\n:host {\n  color: red; /* b */\n}\n.a .b, .c > .d { margin: 0 auto }";
    assert_eq!(squeeze_style(before), ":host{color:red}.a .b,.c > .d{margin:0 auto}");
}
