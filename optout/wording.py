"""The words by which people refuse, in Chinese and English, each with its part in a sentence. Pure data.

A part is one character; `optout.sentences` reads a reply as a string of them. The longest phrase counts, so a word that
means something else in a phrase ("bus stop", 打车) stands here as that phrase. Chinese is simplified, English lower-case
without apostrophes; words of an English phrase are joined by `_`.
"""

from __future__ import annotations

import re
from typing import Any

_WORD = re.compile(r"[a-z]+|[0-9]+|[^\s']")


def words_of(plain: str) -> list[str]:
    """English words, numbers, and single characters of everything else; apostrophes are left out."""
    return _WORD.findall(plain)


PARTS = {
    # A word of refusal in another sense.
    "z": """
        发火 发脾气 发呆 发愁 发货 发烧 发神经 发票 发抖 发工资 工资 打车 打球 打架 打折 打包 打字 打游戏 打针 打卡 打工 打印 打开
        打扫 打算 打听 打赌 打分 打钱 打款 打麻将 打牌 打人 打他 打她 打孩子 打招呼 打盹 打雷 打篮球 打呼噜 打瞌睡 打岔 打断 打击
        打脸 打仗 打死 打嗝 打喷嚏 打水 打饭 打滴滴 打伞 打酱油 打车票 打的 发朋友圈 发红包 发照片 发图 发图片 发语音 发视频 发位置
        发定位 发表情 发现 发生 发言 发布 发表 发誓 发胖 发福 发财 发展 发挥 发动 发疯 发癫 发奖金 发钱 发快递 发微博 发帖 发文件
        发邮箱 发作业 发作 别忘 别忘了 不要忘 不要忘了 不要忘记 别忘记 别误会 停车 停电 停水 停课 停机 停工 停战 停产 停业 停运
        停车场 停车费 停药 暂停营业 停办 停薪 停牌 别停 雨停 停停 停不下来 不停车 取消约会 取消航班 取消会议 取消订单 取消预约 取消资格
        取消比赛 取消考试 取消行程 取消关注 取消婚礼 取消密码 取消活动 取消课程 取消聚会 取消关系 取消分期 取消绑定 取消自动 取消机票
        取消酒店 取消会员 收拾 收藏 收费 收入 收据 收获 收货 收件 收购 收款 收工 收衣服 收钱 接受不了 接人 接孩子 接你 接机 接吻
        来不及 来得及 来着 到来 本来 原来 后来 起来 出来 回来 看来 未来 越来越 来自 将来 从来 别墅 特别 分别 区别 级别 个别 性别
        告别 离别 类别 别扭 识别 差别 辨别 别的 别致 别处 电话号码是 不得了 不得不 不可能 不能不 不要紧 不要脸的 不要钱 不少 多少
        少爷 少年 少女 少喝 少吃 少了 快递 包裹 外卖 订单 拒收快递 拒收货 货 件 拒签 退货 退款 退钱 退票 退房 退课 退押金 退税
        退休 退学 退费 发奋 传说 传统 传播 传染 传达 传递 传奇 宣传片 寄快递 寄东西 寄件 要求婚 酒店 机票 房间 宽带 套餐 航班 车票
        门票 会员 视频 音乐 课程 公众号 爱奇艺 腾讯 流量包 彩铃 不信 可信 迷信 相信 信任 信心 信用 微信 信号 信不信 自信 诚信
        通知书 提醒我 消息灵通 好消息 号召 电话粥 手机壳 等一下 联系人是 联系方式 联系电话 推广员 打扰了 打扰一下 打扰您 打扰到 不打扰
        没打扰 群里 想念 想起 想法 想要你 吵架 找工作 找房 找到 找对象 找不到 理发 道理 找零 找钱 停一下车 停止营业 停止合作 停止更新
        停止接单 停止服务了吗 停止工作 停止运行 停止呼吸 停止生长 停止运营 停止心跳
        bus_stop stop_at stop_over stopover full_stop non_stop nonstop cant_stop cannot_stop dont_stop do_not_stop
        never_stop never_stops wont_stop didnt_stop pit_stop one_stop next_stop last_stop train_stop stop_sign
        short_stop doesnt_stop stop_in stop_off stop_worrying stop_crying stop_it stop_lying stop_thinking
        stop_smoking stop_laughing stop_drinking stop_that stop_being stop_playing stop_loss stop_watch stopwatch
        stop_payment stops dont_forget never_forget dont_worry dont_be dont_quit do_not_quit end_of weekend the_end
        in_the_end at_the_end dead_end end_up ending quit_smoking quit_my quit_job quit_work call_it call_off
        calling_it call_center call_centre phone_charger phone_bill ring_road wedding_ring cancel_my_appointment
        cancel_the_order cancel_my_order cancel_the_meeting unsubscribed_from_his block_of last_call on_call
        roll_call call_me_crazy text_book textbook subject_to no_idea sick_leave sick_day no_problem no_worries
        why_not if_not or_not do_not_have why_dont_you block_my_card block_the_card get_back get_there get_home
        put_it take_care drop_by drop_off forget_it lose_weight isnt texting_and_driving text_and_drive stop_by
        the_stop my_stop your_stop a_stop this_stop which_stop stop_work stop_the_car stop_the_bus stop_the_music
        stop_the_video quit_school quit_college quit_the_job quit_drinking quit_now stop_paying stop_eating
        stop_making stop_asking stop_driving stop_talking stop_complaining stop_dreaming stop_doing stop_working
        stop_moving stop_looking stop_and stop_before stop_here stop_there stop_for_a stop_wasting call_the call_a
        call_an call_his call_their calling_the calling_a calling_an calling_his calling_their text_the text_a
        text_an text_his text_their texting_the texting_a texting_an texting_his texting_their message_the message_a
        message_an message_his message_their messaging_the messaging_a messaging_an messaging_his messaging_their
        email_the email_a email_an email_his email_their emailing_the emailing_a emailing_an emailing_his
        emailing_their contact_the contact_a contact_an contact_his contact_their contacting_the contacting_a
        contacting_an contacting_his contacting_their phone_the phone_a phone_an phone_his phone_their
    """,
    # A list of those who refused.
    "B": """
        加入黑名单 列入黑名单 拉入黑名单 加黑名单 免打扰名单 谢绝名单
        do_not_call_list dnc dnc_list do_not_contact_list no_call_list do_not_text_list do_not_call_registry
        dnc_registry
    """,
    # To withdraw consent.
    "V": """
        撤回 撤销 收回
        revoke withdraw rescind i_revoke revoking withdrawing
    """,
    # No more.
    "R": """
        不再有
        no_more no_further no_additional
    """,
    # The writer's number.
    "H": """
        这个号码 此号码 该号码 这号 此号 我号码 我的号码 本号码 我电话 我的电话 我手机 我的手机 我手机号 我的手机号 我的电话号码 本机号码
        本机号 我的信息 我的资料 我的联系方式 我的名字 我号 我的号 俺的号码 我这个号码 我这号码 本人号码 本人手机号 本人手机号码 本人手机
        本人的手机号 我名字 我的姓名 我姓名 我信息 我资料 我个人信息 我的个人信息 我的联系电话 我的手机号码
        this_number this_phone my_phone my_cell my_number my_phone_number the_number my_mobile this_cell my_line
        my_cell_phone my_mobile_number my_info my_information my_data my_details my_contact my_name our_number
        my_contact_info my_telephone_number my_cell_number this_phone_number my_digits this_line our_line our_phone
        this_contact this_mobile this_no my_no our_numbers these_numbers my_numbers my_email my_contact_number
        this_telephone this_device my_device my_landline this_landline my_inbox
    """,
    # Do not (Chinese): what must not be done follows.
    "n": """
        别 不要 勿 请勿 切勿 莫 甭 不许 不准 不得 禁止 严禁 不可 不可以 不能 唔好 唔要 唔准 咪 毋 休要 休想 不再 不让 不允许
        能不能不 可以不 可不可以不 可否不 能不能别 可以别 不可以再 少给我 没有权利 无权 没权利 没资格 别老 别总 别一直 少来 用不着
        犯不着 别想 不得再 不让你们 请误 勿再 休再 误再
        not_allowed_to are_not_allowed_to arent_allowed_to have_no_right_to no_right_to not_authorized_to
        not_permitted_to you_may_not you_cannot you_cant you_must_not you_should_not you_shouldnt you_need_to_not
        not_allowed_to_be nobody_should
    """,
    # Do not (English).
    "N": """
        dont do_not donot never not_to please_not must_not should_not shouldnt mustnt may_not cant_you_not
        can_you_not could_you_not would_you_not do_nt dnt don_t cannot no_need_to better_not dun dunt do_n_t
        ought_not dont_you_dare
    """,
    # Does not want: what is not wanted follows.
    "w": """
        不想 不想要 不愿 不愿意 不希望 唔想 不乐意 不同意 不欢迎 不收到 不收 不接收 不再接收 不再收 不再接受 不要收 不接 一律不接 不看
        不想看 不想看到 不愿看到 不想接 不愿接 不想收 不愿收 不愿收到 不希望收到 不想听 不要收到 不想看见 不愿看见 不想再看见 不想再看到
        不想再收到 不想再接到
        dont_want do_not_want dont_wish do_not_wish no_longer_wish no_longer_want no_longer_care dont_care_to
        do_not_care_to never_want never_wanted not_want not_wish not_interested_in would_rather_not rather_not
        dont_like do_not_like would_not_like wouldnt_like would_like_not prefer_not want_no need_no did_not_consent
        never_consented no_longer_interested_in no_longer_interested didnt_ask_for did_not_ask_for never_asked_for
        dun_want dun_wan dont_wan dont_agree do_not_agree never_agreed no_desire_to no_interest_in dont_desire
        do_not_desire do_not_give_you_permission do_not_have_permission no_longer_have_permission no_permission
        have_no_permission dont_want_to do_not_want_to dont_wanna do_not_wanna no_longer_want_to dont_wish_to
        do_not_wish_to no_longer_wish_to dont_want_to_be_getting
    """,
    # Unsubscribe: a refusal by itself.
    "u": """
        退订 拒收 取消订阅 拒绝接收 退阅 拒绝再收 取订 退出订阅 取消推送 关闭推送 停止订阅 退订短信 不再订阅 终止订阅 解除订阅
        取消关注短信 退訂 把我移除 把我删除 把我删掉 把我移出 将我移除 将我删除 把我去掉 把我除名 取消发送
        unsubscribe unsubscribed unsubscribing opt_out opt_me_out opting_out optout optedout opted_out opt_us_out
        take_me_off_your_list unenroll un_subscribe unregister unlist cease_and_desist unsub_me unsub_from
        unsubscribe_me un_sub_me optout_me opt_me_out_of opt_out_of no_longer_consent do_not_consent dont_consent
        no_longer_agree_to dont_have_my_consent do_not_have_my_consent dont_have_consent consent_revoked
        consent_is_revoked consent_is_withdrawn consent_withdrawn permission_revoked opt_this_number_out
        opt_my_number_out opt_this_phone_out end_these_messages end_these_texts end_texts end_messages
        end_subscription end_my_subscription end_the_texts end_the_messages end_all_messages end_all_texts
        no_more_of_these no_more_of_this lose_my_number lose_this_number forget_my_number forget_this_number
        lose_our_number
    """,
    # Stop: what must end follows.
    "t": """
        停止 停 终止 中止 中断 停掉 停下 停发 结束 停了 取消给我 取消向我 取消对我 完全停止 彻底停止 全面停止 立即停止 马上停止
        立刻停止 停止向 停一下 停一停 中断掉 打住 消停 消停点
        stop stopp quit cease desist discontinue halt knock_off cut_out stop_with pls_stop refrain_from
        put_an_end_to put_a_stop_to stahp stp give_up abstain_from if_you_stopped if_you_would_stop
        if_you_could_stop if_you_stop stop_it_with stop_all_this stopping to_stop end_all end_all_of end_any
    """,
    # Cancel: a refusal only with messages as its object.
    "k": """
        取消 关闭 关掉 解除 关了 取消掉 注销 暂停
        cancel deactivate disable turn_off switch_off shut_off terminate suspend
    """,
    # Anger, a wrong person, a threat: a person looks.
    "S": """
        投诉 举报 报警 起诉 滚 滚蛋 打错 打错了 发错 发错了 不是本人 换号 换号了 烦死 烦死了 拉黑 拉黑了 黑名单 屏蔽 烦不烦 认错人
        不认识 骗子 诈骗 搞错 搞错了 打错电话 有完没完 放过 只能发 只许发 屏蔽你们 拉黑你 拉黑你们 投诉你们 举报你们 告你们 没完没了
        免打扰 有病 神经病 真烦 好烦 太烦 换人了 换人 换主人 换机主 换号码 不是机主 非本人 少发点 少打点 不要再出现 别再出现 别再推荐
        放过我 放过我吧 求放过 别缠着我 别缠着 别烦 饶了我
        12321 wrong_number wrong_person go_away get_lost leave_me_alone fuck_off scam scammer blocked block report
        wrong_no piss_off only_contact only_text only_call only_email text_only sue suing lawsuit no_such_person
        last_text last_message the_last_text the_last_message let_me_be give_me_a_break leave_us_alone let_me_go
        my_lawyer my_attorney
    """,
    # Has no need: like "does not want", but never of what follows alone.
    "W": """
        不需要 不需 不用 不必 无需 无须 毋须 没必要 没有必要 唔需要 唔使
        no_longer_need dont_need do_not_need
    """,
    # Refuses: what is refused follows.
    "r": """
        不接受 拒绝 谢绝 拒接 抵制 坚决拒绝 拒不 回绝 拒
        refuse reject decline object_to i_refuse
    """,
    # To contact: needs no object.
    "c": """
        发短信 发信息 发消息 发短消息 发广告 发简讯 发讯息 发垃圾短信 发骚扰 发垃圾信息 发通知 发彩信 发短讯 发简信 发推销 发催收 发营销
        发这种 发这些 发这类 发此类 打电话 打骚扰电话 来电话 来短信 打手机 拨打电话 拨电话 拨打 打座机 通电话 联系 联络 骚扰 打扰 群发
        致电 轰炸 呼叫 纠缠 搔扰 骚然 短信轰炸 电话轰炸 催收 催债 催款 催促 推销 营销 给我打 跟我联系 与我联系 来电 发送 传送 传短信
        传简讯 寄短信 打电 电话骚扰 短信骚扰 信息轰炸 滋扰 拨号 致函 打搅 扰 轰炸我 爆通讯录 给我推荐 推荐给我 来短信骚扰 发信 发个短信
        短信营销 打电话营销 发贷款 发推广 发链接短信 发优惠 发活动 通知我 联系本人 联系我本人 打扰我 找我推销 发送短信 发送信息 发送消息
        发送广告 发短信息 发送任何 来打扰 来骚扰 来推销 打骚扰 打推销 打营销 接通
        text texting txt txting txtin textin call calling callin contact contacting message messaging msg msging sms
        smsing spam spamming email emailing e_mail harass harassing phone phoning ring ringing solicit soliciting
        reach_out reaching_out bombard bombarding blow_up_my_phone blowing_up_my_phone get_in_touch robocall
        robocalling telemarket telemarketing pinging ping fone cal mesage mesaging contacted called texted messaged
        emailed call_or_text text_or_call communicate communicating approach textng txtng texing tezting callng
        caling msgin messging contating bothered disturbed harassed spammed solicited send_texts send_messages
        send_text send_message send_sms ring_me ringing_me text_me_back_never texted_me hitting_me_up hit_me_up
        hitting_up blasting blast blowing_up blow_up dialing dial dialling phoned sending_texts sending_messages
        ringing_up ring_up cold_call cold_calling trolling stalking stalk reaching call_the_number text_the_number
        contact_the_number call_a_person
    """,
    # To send: its object is messages, or left out.
    "v": """
        发 打 传 寄 拨 打来 打过来 发来 发过来 发给 打给
        send sending snd sent sendin mail mailing forward forwarding use using deliver delivering push pushing share
        sharing give_out
    """,
    # To annoy: a refusal only where it goes on.
    "e": """
        烦 吵 缠 惹 来 吵我 烦扰 找我 来找我 缠着 盯着 跟着 来烦 别来 催我 催
        bother bothering bug bugging annoy annoying disturb disturbing pester pestering hassle hassling hound
        hounding talk_to talking_to irritate try trying
    """,
    # To receive messages.
    "i": """
        收到 接收 接到 收取 听到 再收 收看 再收到 收得到 被骚扰 被打扰 收这些 收这种 收到这种 收到这些 收短信 收广告 收信息 收消息
        收你们 接电话 接你们 接这种 接推销
        receive receiving be_receiving recieve recieving hear_from_you hearing_from_you get_texts get_messages
        get_calls get_these getting_these getting_texts getting_messages getting_calls get_any get_any_more
        getting_any receive_any
    """,
    # To get, see or be anything.
    "I": """
        看到 看见 接受 接听 接 收 见到 被
        getting hear hear_from see be have having read reading be_part_of be_a_part_of be_included_in be_included
        be_in be_getting be_having
    """,
    # To delete.
    "d": """
        删除 删掉 移除 移出 去掉 除名 清除 删 剔除 拿掉 划掉 去除 移走 抹掉 剔 删了 踢出 销毁 退出 撤下 撤出 踢了 清掉 清理掉
        清理 清空 抹去 撤掉 去除掉 拿走 踢掉 剔掉 清走 去掉吧 注销掉
        remove removed removing delete deleted deleting erase scrub wipe purge exclude scratch get_rid_of
        getting_rid_of rid erased erasing scrubbed wiped excluded
    """,
    # To take, from a list or from anything.
    "D": """
        移 踢 列入 加入 放入 放进 拉入 纳入 划入 列进
        lose forget take put add drop cross leave_off keep keep_off pull strike taken get_taken clear eliminate get
    """,
    # Messages.
    "o": """
        短信 信息 电话 消息 广告 简讯 讯息 短讯 彩信 推广 促销 垃圾 短消息 垃圾短信 骚扰电话 骚扰短信 营销短信 广告短信 推销电话
        催收短信 催收电话 通知 提醒 邮件 推文 短信通知 内容 宣传 来信 信 打来的电话 商业信息 促销信息 催款短信 东西 玩意 玩意儿 破短信
        短信息 信息了 电联 电邮 商业短信 贷款短信 催缴 催收信息 短信提醒 嘢 野 促销短信 推广短信 推广信息 推销信息 营销信息 贷款信息
        贷款广告 垃圾广告 催收通知 商业广告 骚扰信息 短信和电话 这玩意 话费 信儿 垃圾消息 群发短信 群发消息 邮箱 来函 语音电话 机器人电话
        ai电话 订阅 短信订阅 订阅服务 短信服务 短信业务 短信功能 推送服务 电话回访 回访 营销活动 催收行为 电话和短信 短信电话 推送
        短信推送 消息推送 电话推销 垃圾推送 骚扰信 贷款推销 骚扰电话和短信 链接 网址 二维码 语音 催款信息 催款电话 小广告 广告信息
        messages msgs msges texts text_message text_messages txts txt_messages calls phone_call phone_calls emails
        e_mails notification notifications ads advert adverts advertisement advertisements advertising promo promos
        promotion promotions promotional marketing alert alerts solicitation solicitations offers communications
        communication updates newsletter newsletters junk robocalls mails reminders text_alerts subscription
        subscriptions crap garbage nonsense bs shit things stuff correspondence sms_alerts messaging_service
        mailings mesages mssgs notices robo_calls texts_and_calls calls_and_texts text_msgs text_alert sms_text
        junk_texts spam_texts marketing_texts spam_calls sales_calls sms_spam txt_msgs harassment sms_messages
        anything_else voicemails voicemail voice_messages solicitation_calls text_spam
    """,
    # A list, or what stands on it.
    "h": """
        名单 列表 系统 数据库 通讯录 库 电话名单 名单里 个人信息 群发名单 客户名单 发送名单 联系人列表 电话本 号码 手机号 手机号码
        电话号码
        list lists database system records mailing_list contact_list call_list calling_list data distribution
        distribution_list phone_number telephone_number number details contacts contact_info rotation
        database_system call_log marketing_list phone_book phonebook directory subscribers roster subscriber_list
        user_list text_list sms_list texting_list phone_list your_lists contact_lists calling_lists broadcast
    """,
    # Consent.
    "q": """
        同意 授权 许可
        consent permission authorization authorisation agreement approval
    """,
    # For a while, or at a time of day.
    "g": """
        中午 晚上 早上 上班 周末 今天 明天 这几天 半夜 夜里 上课 开会 休息 休息时间 睡觉 工作时间 暂时 先 现在 这周 本周 这个月
        白天 深夜 凌晨 最近 过年 大半夜 午休 夜间 大清早 一大早 上班时间 下班 下班后 这两天 目前 临时 开车 此刻 这会 这会儿 午饭
        吃饭 周日 周六 星期天 星期日 节假日 春节 国庆 早晨 清晨 上午 下午 点 点后 点前 点以后 工作日 期间 时间 时候 时段 最近几天
        几天 一段时间 月底 暂 一会 一会儿 待会 今晚 明早 礼拜天 晚 过几天 马上到 马上来 马上回 马上就到 马上回来 就到 快到了 我到了
        在路上 路上 在忙 正忙 我在忙
        at_work at_night today tomorrow tonight before after during on_weekends weekends on_sunday on_sundays
        right_now late until_further early this_week this_month for_now at_this_time at_the_moment while so_late
        so_early on_saturday on_saturdays sunday sundays past_9 in_the_morning in_the_evening work_hours
        working_hours business_hours hours pm oclock office_hours for_a_while this_weekend next_week at_dinner
        during_work evenings mornings nights holidays at_home in_class in_a_meeting sleeping driving temporarily
        lunch dinner sleep bedtime weekdays few between minutes hour week weeks month day days
    """,
    # If.
    "f": """
        如果 要是 假如 若 除非 的话 倘若 万一 如若 若是 假使 只要 再不 等我 否则 不然 要不然 再发我就 再打我就 等 直到 只有 除了
        之前 以前 前
        if unless until otherwise or_else except once before_i till in_case when_i except_for unless_its
    """,
    # How, why, whether.
    "?": """
        怎么 如何 怎样 咋 为什么 为啥 为何 凭什么 怎么样 怎么才 咋样 怎麽 是不是 是否 哪里 哪儿 在哪 有没有 干嘛 什么时候 几时 点解
        点样 多久 啥时候 难道 谁 谁说
        how why where when can_i could_i may_i is_it_possible who what whats hows do_i is_there should_i if_i did_i
        am_i why_do why_are how_do how_can whether how_to did_you didnt_i do_you have_i why_dont why_didnt
    """,
    # Said, by someone.
    "b": """
        说 叫 告诉 说要 问 说过 讲 听说 写着 写 劝我 喊 嘱咐 提到 标题 显示 转发
        said says told saying tells asked mentioned quote wrote tell say heard think thought
    """,
    # Others than the two who write.
    "j": """
        家人 家里 家里人 朋友 同事 父母 爸 妈 爸爸 妈妈 老婆 老公 亲戚 单位 公司 联系人 孩子 儿子 女儿 哥哥 姐姐 弟弟 妹妹 爸妈
        我妈 我爸 老师 领导 亲人 亲友 家属 第三方 他人 同学 邻居 紧急联系人 前妻 前夫 老人 小孩 奶奶 爷爷 老妈 老爸 医生 宝宝 村里
        村委 姥姥 我家人 我家里 我家里人 我朋友 我同事 我单位 我公司 我父母 我老婆 我老公 我妈妈 我爸爸 我亲戚 我孩子
        family friend friends work mother mom mum father dad wife husband boss sister brother coworkers parents
        relatives employer office job son daughter kid kids mommy daddy neighbor neighbors girlfriend boyfriend
        everyone colleague colleagues grandma dear_friend hubby references reference workplace teacher doctor
    """,
    # The other side.
    "y": """
        你 你们 您 您们 贵司 贵公司 贵行 你司 你行 你公司 平台 你家 你哋 妳 妳们 贵方 你方 贵平台 你们公司 你们银行 你们平台 各位
        客服 工作人员 你们这些 贵机构
        you u your ur yours yall ya you_guys you_people your_company your_bank from_you from_u your_team your_system
        your_organization your_service your_end you_all these_people
    """,
    # The writer.
    "m": """
        我 我的 本人 俺 咱 我们 偶 本机 我这 这个号 俺们 人 群众 老百姓 我家
        me my us our mine i im ive myself here
    """,
    # Again, any more, for ever.
    "a": """
        今天开始 今天起 从今日起 自今日起 明天起 现在起 现在开始 从今开始 今日起 即刻起 从即日起 再 再次 继续 以后 今后 永远 永久 从此
        从今 从今以后 往后 一直 老 老是 总是 总 天天 整天 又 反复 不停 再也 从今天起 即日起 从现在开始 从现在起 一辈子 每天 成天
        频繁 一天到晚 不断 长期 日后 以后都 不停地 随便 到处 乱 瞎 隔三差五 三天两头 反反复复 连续 彻底 完全 接着 从今往后 一而再
        今后都 还 永不 半个
        again anymore any_more ever further from_now_on permanently forever in_future in_the_future any_longer more
        future ever_again every_day everyday all_the_time constantly continuously continuing repeatedly completely
        another at_all altogether anymo agen nemore animore
    """,
    # Done already, or in vain.
    "P": """
        已经 已 早就 上周 上次 昨天 之前就 曾 曾经 上个月 刚才 刚刚 早已 前几天 去年 多少遍 几次 几遍 很多次 多少次 无数次 好几次
        过了 没用 无效 失败 不了 不成功 没成功 仍 仍然 依然
        already yesterday last last_week earlier twice times previously ago didnt_work still was_told
    """,
    # No.
    "K": """
        无
        no
    """,
    # Off, from.
    "O": """
        从 出
        off from out out_of off_of on
    """,
    # A request.
    "p": """
        请 麻烦 求 求求 求你 求求你 求求你们 拜托 要求 劝 警告 请你 请你们 请您 烦请 恳请 强烈 能不能 可以 可否 能否 可不可以 能
        可 务必 一定 必须 严正 郑重 郑重声明 强烈要求 希望 我要求 正式 劳烦 劳驾 得 需要 想 要 想要 我要 我想 申请 帮 帮我 帮忙
        给我 替我 立即 立刻 马上 尽快 赶紧 现在就 最好 给办 办理 好歹 跪求 唔该 通知你们 声明 劝你们 警告你们 应该
        please pls plz plse pleas kindly could_you would_you can_you can_u could_u will_you id_like i_would_like_to
        i_want i_need like want wanna would_like need i_demand i_insist i_am_asking im_asking i_ask i_request
        request asking_you formally hereby demand must just immediately at_once asap right_away would_like_to
        id_like_to want_to i_want_to need_to i_need_to wish_to i_wish_to can_i_please would could can should
        urgently now will ask would_appreciate_it_if_you would_appreciate_it appreciate beg i_beg begging let
    """,
    # What goes with a refusal and weighs neither for nor against it.
    "s": """
        没兴趣 不感兴趣 已还清 还清 还清了 已经还清 还完 还完了 结清 不需要贷款 不贷款 不买 不办 不借钱 没钱 烦人 讨厌死了 侵犯 隐私
        违法 法律 工信部 不是我 没借 没借过 没贷款 没有贷款 没欠 与我无关 跟我无关 和我无关 影响 生活 脸 要脸 老子 恶心 傻 傻逼 混蛋
        无耻 垃圾公司 烦得 忍 后果自负 追究 责任 权利 个人信息保护法 不认得 没办过 没用过 不想贷 过分 不要脸 缺德 隐私权 报案 律师
        受够 不知道 太多 频率 素质 没素质 借款 欠你们 学生 没工作 受到 心情 正常生活 工作 很忙 困扰 严重 太过 反感 厌恶 无语 麻木
        心烦 头疼 老是这样 天天这样 不存在 没关系 别人 已故 去世 过世
        not_interested sick tired illegal fcc ftc tcpa reported enough fed_up paid paid_off never_signed scammers
        idiots fuck law legal action complaint violation invasion privacy ridiculous not_karen new_number
        changed_numbers no_loan unwelcome sorry fraud assholes asshole bastards dont_need_it not_your_customer
        dont_know_you not_me dont_owe owe nothing_to_do how_many_times how_many_times_do_i_have_to has_nothing died
        dead passed_away deceased moved unemployed busy already_told told_you asked_you many_times enough_already
        unwanted_texts fcc_complaint nope borrowed borrower debt owe_you owe_anything bothersome irritating spammy
        nuisance illegal_calls hate told_you_before asked_you_before told_you_already asked_before said_before
    """,
    # What changes nothing.
    "l": """
        了 啦 吧 啊 呀 好吗 行吗 行不行 好不好 可以吗 嘛 哈 吗 呢 的 地 过 着 去 到 给 向 对 把 将 在 个 条 些 任何 这 那
        这种 这类 这些 此 该 此类 一切 所有 全部 都 也 就 什么 啥 类 类似 相关 有关 烂 破 狗屁 他妈的 他妈 妈的 鬼 真 真的 太
        很 好 嗯 哦 喔 噢 唉 哎 喂 好的 行 听见没 听见没有 听到没 听到没有 知道吗 明白吗 一下 下 们 而且 那种 各种 各类 乱七八糟
        无聊 无用 讨厌 俾 畀 嘅 啲 咁 喇 嚟 哋 佢 系 由 跟 与 和 或 或者 及 以及 还有 一个 一条 一次 两次 多 多次 些什么 之
        以 关于 有 是 会 并 请问 哈哈 垃圾的 你妈 你妹 好么 好不 行么 谢谢 谢了 多谢 感谢 您好 你好 辛苦了 哪怕 半 为 做 进行
        行为 这样 这么 这样的 用 使用 通过 方式 形式 来了 过来 过来了 上 里 中 内 自 服务 业务 功能 这个 那个 啊啊 喔喔 呗 哒
        嗨 亲 大哥 大姐 姐 哥 立 马 起 因为 所以 但 但是 不过 既然 毕竟 反正 让 使 令 予 予以 于 至 我说 麻烦了 好伐 额 呃
        哎呀 贷款 保险 理财 信用卡 借贷 产品 活动 优惠 优惠券 额度 分期 网贷 小额贷 办卡 开户 投资 欠款 还款 账单 逾期 其他 其它
        半个字 一个字 半条 一毛 任何的 一切的 毫无 意义 类的 之类的 等等 那些 那类 些个 一 二 三 四 五 六 七 八 九 十 百 千 万
        两 几 零 行了 就行 即可 便是 只 此类的 的话费 老板 给我家 借款人 欠款人 债务人 担保人 客户 用户 人家 不是 没有人 了吧 没
        么 天 年 月 就是 还是 只是 而已 罢了 也好 还给 家 往 里面 上面 之类 整 每 各
        tm tmd ok the a an any all these this those that it to of for in at by with and of_any to_any some such
        of_these so okay hi hello hey dear sir madam thanks thank_you thx ty guys folks man dude bro damn fucking
        fuckin freaking bloody stupid dumb goddamn unwanted unsolicited kind type sort anything nothing about up
        over through via is are was were been being do does did has had thats its as numbers cell mobile way manner
        purposes any_kind these_kind everything seriously really both either nor stupid_ass then because also too
        there if_you_would be_so_kind as_to well yes yeah yep alright thank much very loan loans credit insurance
        bank service services information company product products back people days_ago anyone somebody someone
        anybody else in_any_way whatsoever whatever form forms kinds types sorts daily effective good morning
        evening afternoon team which where_you kindest regards gonna going thing other more_of other_than regarding
        related concerning per repeated random useless endless lot lots instead only reply replying w r n 2 4 da dis
        dese or whoever somehow
    """,
    # Enough of; only.
    "E": """
        受够了 够了 受不了 免了 烦透了 厌烦 厌倦
        enough_with enough_of sick_of tired_of fed_up_with fed_up_of had_it_with sick_and_tired_of tired_of_getting
    """,
    # A third person.
    "J": """
        他 她 他们 她们 它
        him her them he she they it_is baby babe honey darling sweetheart love no_one nobody noone
    """,
    # Did not.
    "G": """
        没有 未
        havent have_not didnt did_not
    """,
    # Unsubscribe, misspelt: a refusal only with what goes with it.
    "U": """
        退定 推订 退钉 推定
        unsub unsubcribe unsubscibe unsuscribe unsubsribe unsubscrib unsubscirbe unsubsrcibe unsubcsribe
        unscubscribe unsbscribe unsubscrbe unsubcribed unsuscribed unsubscride
    """,
}


def _tree() -> dict[str, Any]:
    """A tree over the words of English and the characters of Chinese phrases; a phrase's part stands under ''."""
    root: dict[str, Any] = {}
    for part, phrases in PARTS.items():
        for phrase in phrases.split():
            node = root
            for step in words_of(phrase.replace("_", " ")):
                node = node.setdefault(step, {})
            node[""] = part
    return root


TREE = _tree()
